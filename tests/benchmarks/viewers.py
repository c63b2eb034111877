"""Other terminal viewers of runs, to measure beside ours on equivalent logs in the same run."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recordings import Program

WRITER = Path(__file__).with_name("viewer_logs.py")


@dataclass
class Viewer:
    """A viewer in an environment of its own."""

    name: str
    package: str
    kind: str
    """The format of logs that it reads."""
    command: tuple[str, ...]
    select: tuple[str, ...]
    """Keys that lay the runs of a folder over each other, for each of them; none if they are."""
    bin: Path
    folder: Path

    def version(self) -> str | None:
        """None where it cannot be had."""
        code = f"import importlib.metadata as m; print(m.version('{self.package}'))"
        try:
            return subprocess.run(
                [self.bin / "python", "-c", code], capture_output=True, text=True, check=True
            ).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return None

    def write(self, place: str, name: str, steps: int) -> None:
        """A run in a folder of this name."""
        subprocess.run(self._writer(place, name, steps), check=True, stdout=subprocess.DEVNULL)

    @contextmanager
    def writing(self, place: str, steps_per_second: float) -> Iterator[None]:
        """A run that goes on, in a folder of this name."""
        command = [*self._writer(place, "live", 5000), str(steps_per_second)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                time.sleep(30.0)  # until its first 5000 steps are written
                yield
            finally:
                process.kill()

    def _writer(self, place: str, name: str, steps: int) -> list[str]:
        (self.folder / self.kind / place).mkdir(parents=True, exist_ok=True)
        folder = str(self.folder / self.kind / place)
        return [str(self.bin / "python"), str(WRITER), self.kind, folder, name, str(steps)]

    def open(self, place: str) -> Program:
        """The viewer on what is in a folder."""
        folder = self.folder / self.kind / place
        if self.kind == "wandb":
            runs = sorted(folder.glob("wandb/offline-run-*/*.wandb"))
            where = runs[0] if len(runs) == 1 else folder / "wandb"
        else:
            where = folder
        command = [str(self.bin / self.command[0]), *self.command[1:], str(where)]
        if where.suffix == ".wandb":
            command.insert(-1, "run")
        home = {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        return Program(*command, cwd=self.folder, environment=home)


def all_viewers(bin_folder: Path, folder: Path) -> list[Viewer]:
    leet = Viewer(
        name="W&B LEET",
        package="wandb",
        kind="wandb",
        command=("wandb", "leet"),
        select=(" ", "j"),
        bin=bin_folder,
        folder=folder,
    )
    board = Viewer(
        name="terminalboard",
        package="terminalboard",
        kind="tensorboard",
        command=("terminalboard",),
        select=(),
        bin=bin_folder,
        folder=folder,
    )
    return [leet, board]
