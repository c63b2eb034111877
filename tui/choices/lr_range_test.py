"""A range test: a short run in a folder of its own, which is removed afterwards."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from msgspec import structs

from engine.config import configure
from engine.runs import control, run_directory, start_process
from presets import UserError
from presets.schema import CheckpointPolicy, DiagnosticsPolicy, RunConfig
from tui.choices import lr_suggestion
from tui.choices.lr_suggestion import Suggestion
from tui.runs import loading
from tui.runs.follower import Follower
from tui.runs.state.store import RunState
from tui.runs.state.summary import plain_number

_STOP_SECONDS = 10.0


def range_test(config: RunConfig, steps: int = lr_suggestion.STEPS) -> RunConfig:
    """The configuration of a range test for a run; raises ConfigError."""
    schedule = structs.replace(config.schedule, type="range-test", warmup_steps=0)
    test = structs.replace(
        config,
        schedule=schedule,
        epochs=None,
        steps=steps,
        target=None,
        parent=None,
        max_restarts=0,
        on_non_finite="stop",
        checkpoint=CheckpointPolicy(every_minutes=None),
        diagnostics=DiagnosticsPolicy(every="off"),
    )
    configure.check(test)
    return test


class Search:
    """A range test that is running. `close` ends its engine and removes its folder."""

    def __init__(self, config: RunConfig, steps: int = lr_suggestion.STEPS) -> None:
        """Start it. Raises UserError, in one line, if it cannot be started."""
        test = range_test(config, steps)
        self._folder = Path(tempfile.mkdtemp(prefix="bigmodel-find-lr-"))
        try:
            self._run = run_directory.create(self._folder, test)
            self._engine = start_process.start([self._run])
        except UserError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._follower = Follower(self._run)
        self.state: RunState = loading.open_state(self._run)

    def poll(self) -> bool:
        """Read what is new; returns whether it still runs. Raises OSError for an unreadable log."""
        ended = self._engine.poll() is not None
        while (news := self._follower.poll(at_once=True)) is not None:
            loading.apply(self.state, news)
            if not news.events:
                break
        return not ended and self.state.active

    @property
    def lrs(self) -> list[float]:
        series = self.state.metrics.get("lr")
        return [] if series is None else series.values.tolist()

    @property
    def losses(self) -> list[float]:
        series = self.state.metrics.get("train/loss")
        return [] if series is None else series.values.tolist()

    def found(self) -> Suggestion | str:
        """The suggestion, or why there is none."""
        if self.state.status in ("failed", "crashed"):
            return self.state.outcome()
        return lr_suggestion.suggest(self.lrs, self.losses)

    def close(self) -> None:
        """Stop the engine if it still runs, and remove the folder."""
        if self._engine.poll() is None:
            try:
                control.send(self._run, "stop")
                self._engine.wait(_STOP_SECONDS)
            except (UserError, subprocess.TimeoutExpired):
                self._engine.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def as_json(search: Search) -> dict[str, object]:
    """The result of a range test for programs."""
    found = search.found()
    suggestion = None if isinstance(found, str) else found.lr
    points = [
        {"lr": lr, "loss": plain_number(loss)}
        for lr, loss in zip(search.lrs, search.losses, strict=True)
    ]
    reason = found if isinstance(found, str) else found.why
    return {"lr": suggestion, "reason": reason, "points": points}
