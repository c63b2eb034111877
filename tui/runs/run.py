"""The protocol of a run, ours or another program's, for screens and commands."""

from pathlib import Path
from typing import Any, Protocol

from engine.runs.run_directory import RunDir
from presets import UserError
from presets.schema import RunConfig


class Run(Protocol):
    """A run that can be shown: a run directory of ours, or the log of another program.

    `RunDir` and `ForeignRun` are the two. What only an engine of ours can do (take commands, fork,
    resume) needs the run directory, which `own` returns or refuses.
    """

    @property
    def path(self) -> Path:
        """The file or folder that holds it."""

    @property
    def id(self) -> str:
        """A name that no other run on the screen has."""

    @property
    def title(self) -> str:
        """Its name on the screen where neither model nor data set is known."""

    @property
    def events_path(self) -> Path:
        """The log that is read."""

    @property
    def engine_log_path(self) -> Path | None:
        """The output of its engine; None if it has no engine of ours."""

    @property
    def read_only(self) -> str:
        """Why it cannot be steered, resumed or forked, in one line; "" for a run of ours."""

    def config(self) -> RunConfig:
        """The resolved configuration. Raises ConfigError if it has none that can be used."""

    def settings(self) -> dict[str, Any]:
        """The configuration to show. Raises ConfigError."""


def own(run: Run) -> RunDir:
    """The run directory, to steer, fork or resume the run. Raises UserError saying why not."""
    if isinstance(run, RunDir):
        return run
    raise UserError(run.read_only)
