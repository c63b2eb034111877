"""What a person can ask of the process of a race: pause, stop, go on, more seeds."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from engine.race import spec
from engine.race.directory import RaceDir
from engine.race.results import RaceReader
from engine.runs import control, start_process
from engine.runs.control import CommandName
from presets import ConfigError, UserError

_AT_WORK = ("running", "paused")


class RaceCommands:
    """The commands to one race. Each raises UserError, in one line, if it cannot be carried out."""

    def __init__(self, race: RaceDir, started: Callable[[subprocess.Popen[bytes]], None]) -> None:
        """`started` takes over each process that is started."""
        self._race = race
        self._started = started

    def pause(self, status: str) -> str:
        """Pause a race, or let it go on; returns what to say."""
        if status not in _AT_WORK:
            raise UserError(f"the race is {status}; R goes on with one that was stopped")
        return self._send("pause" if status == "running" else "resume")

    def stop(self, status: str) -> str:
        """Stop a race after this step; returns what to say, "" if it does not train."""
        return self._send("stop") if status in _AT_WORK else ""

    def start(self) -> None:
        """Start the process, for a race that was stopped or has more to do."""
        self._started(start_process.start_process("engine.race", [self._race.process]))

    def extend(self, text: str, status: str) -> None:
        """Run every lane with so many seeds in all, which were typed."""
        if not text.isdecimal():
            raise ConfigError(f"seeds: expected a whole number, got {text!r}")
        self._race.write(spec.extended(self._race.spec(), {}, int(text)))
        if status not in _AT_WORK:
            self.start()

    def report(self) -> Path:
        """Write the report, which takes seconds; returns its folder."""
        from tui.races import report  # draws pictures

        folder = self._race.path / "report"
        report.write(self._race, RaceReader(self._race).read(self._race.spec()), folder)
        return folder

    def _send(self, name: CommandName) -> str:
        control.send(self._race.process, name)
        return f"{name}: the race was told"
