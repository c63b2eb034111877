"""Logs that other programs wrote, checked in, and how tests read and follow them."""

from pathlib import Path

from support.recorded import FIXTURES
from tui.runs import loading
from tui.runs.follower import follower
from tui.runs.foreign import sniff
from tui.runs.state.store import RunState

LOGS = FIXTURES / "foreign"
WANDB = next((LOGS / "wandb").glob("*/*.wandb"))


def load(path: Path) -> RunState:
    """The only run at a path."""
    (run,) = sniff.open_source(path)
    return loading.load(run)


def metrics(state: RunState) -> dict[str, tuple[list[float], list[float]]]:
    """Steps and values of each metric; NaN as text, so that equal is equal."""
    return {
        name: (series.steps.tolist(), [str(value) for value in series.values.tolist()])
        for name, series in state.metrics.items()
    }


def said(state: RunState) -> list[str]:
    return [line.message for line in state.log]


class Watched:
    """A log that is followed while a test changes it."""

    def __init__(self, path: Path) -> None:
        (self.run,) = sniff.open_source(path)
        self.state = loading.open_state(self.run)
        self._reader = follower(self.run)

    def catch_up(self) -> RunState:
        while news := self._reader.poll():
            loading.apply(self.state, news)
            if not news.events and not news.more:
                break
        return self.state
