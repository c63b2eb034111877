"""Which log of another program it is: stands where a run directory of ours stands."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.runs.run_directory import RunDir
from presets import ConfigError

Kind = Literal["tensorboard", "wandb", "wandb-csv", "lightning", "trainer", "csv", "jsonl"]

TITLES: dict[Kind, str] = {
    "tensorboard": "TensorBoard log",
    "wandb": "W&B run",
    "wandb-csv": "W&B export",
    "lightning": "Lightning CSV log",
    "trainer": "Hugging Face trainer state",
    "csv": "CSV table",
    "jsonl": "JSON lines log",
}


@dataclass(frozen=True)
class ForeignRun(RunDir):
    """A file or folder that somebody else's program writes; nothing is ever written to it."""

    kind: Kind
    label: str
    """What the screen calls it, unless the log brings a name."""
    part: str = ""
    """Which run, in a file that holds several."""

    @property
    def id(self) -> str:
        """Its path, which no other run on the screen has."""
        return f"{self.path}:{self.part}" if self.part else str(self.path)

    @property
    def events_path(self) -> Path:
        return self.path

    @property
    def engine_log_path(self) -> Path:
        return self.path

    def config(self) -> Any:
        raise ConfigError(read_only(self))

    def settings(self) -> dict[str, Any]:
        return {}


def read_only(run: ForeignRun) -> str:
    """Why it cannot be steered, resumed or forked, in one line."""
    return f"{run.label}: read-only, this {TITLES[run.kind]} belongs to another program"
