"""A run that another program logs, shown in the same place as a run directory of ours."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from presets import ConfigError
from presets.schema import RunConfig
from tui.runs.run import Run

Kind = Literal["tensorboard", "wandb", "wandb-csv", "lightning", "trainer", "csv", "json", "jsonl"]

TITLES: dict[Kind, str] = {
    "tensorboard": "TensorBoard log",
    "wandb": "W&B run",
    "wandb-csv": "W&B export",
    "lightning": "Lightning CSV log",
    "trainer": "Hugging Face trainer state",
    "csv": "CSV table",
    "json": "JSON document",
    "jsonl": "JSON lines log",
}


@dataclass(frozen=True)
class ForeignRun:
    """The log of a run that another program writes; nothing is ever written to it."""

    path: Path
    """The file or folder that a reader is given."""
    kind: Kind
    label: str
    """The name on the screen, unless the log has one."""
    part: str = ""
    """The name of one run in a file that holds several."""
    step_column: str = ""
    """The column that a person named as the step; "" to find it."""

    @property
    def id(self) -> str:
        return f"{self.path}:{self.part}" if self.part else str(self.path)

    @property
    def title(self) -> str:
        return TITLES[self.kind]

    @property
    def given_name(self) -> str:
        """The label, except for a W&B run, whose name is in its log."""
        return "" if self.kind == "wandb" else self.label

    @property
    def events_path(self) -> Path:
        return self.path

    @property
    def engine_log_path(self) -> None:
        return None

    @property
    def read_only(self) -> str:
        return f"{self.label}: read-only, this {self.title} belongs to another program"

    def config(self) -> RunConfig:
        raise ConfigError(self.read_only)

    def settings(self) -> dict[str, Any]:
        return {"name": self.label}


def told_apart(runs: Iterable[Run], rename: Callable[[ForeignRun], str]) -> list[Run]:
    """The same runs; foreign ones that share a label get what `rename` makes of it."""
    found = list(runs)
    labels = Counter(run.label for run in found if isinstance(run, ForeignRun))
    return [
        replace(run, label=rename(run))
        if isinstance(run, ForeignRun) and labels[run.label] > 1
        else run
        for run in found
    ]
