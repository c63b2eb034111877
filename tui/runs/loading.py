"""Load the state of a run from its log, ours or another program's, and bring it up to date."""

from collections.abc import Callable
from contextlib import suppress
from functools import singledispatch

from engine.runs.run_directory import RunDir
from presets import ConfigError
from tui.runs import meta
from tui.runs.cache import column_cache, snapshot
from tui.runs.follower import follower, unreadable
from tui.runs.foreign.run import ForeignRun
from tui.runs.news import News
from tui.runs.run import Run
from tui.runs.state.store import RunState


@singledispatch
def given_name(run: Run) -> str:
    """The name that a person gave the run, or the label of a foreign log; "" if it has none."""
    raise NotImplementedError(type(run))


@given_name.register
def _(run: RunDir) -> str:
    return meta.read(run).name


@given_name.register
def _(run: ForeignRun) -> str:
    return run.given_name


def open_state(run: Run) -> RunState:
    """A new state with the run's name and configuration, before its first event."""
    state = RunState(run=run, given_name=given_name(run))
    # A run made by another version still shows what its log says.
    with suppress(ConfigError):
        state.config = run.settings()
    return state


def apply(state: RunState, news: News) -> None:
    """Apply news to a state."""
    if news.kept is not None:
        snapshot.restore(state, news.kept.state, news.kept.series)
    for event in news.events:
        state.apply(event)
    state.status, state.damaged, state.detail = news.status, news.damaged, news.detail
    state.write_trouble = news.unsaved


def load(run: Run) -> RunState:
    """The state of a run as its log has it now. Raises OSError if it cannot be read."""
    state, reader = open_state(run), follower(run)
    while news := reader.poll():
        apply(state, news)
        if news.keep is not None:
            keep(state, news)()
        if not news.events and not news.more:
            break
    return state


def load_or_say(run: Run) -> RunState:
    """The state of a run as its log has it now; one that says why where it cannot be read."""
    try:
        return load(run)
    except OSError as error:
        state = open_state(run)
        apply(state, unreadable(run, error))
        return state


def keep(state: RunState, news: News) -> Callable[[], bool]:
    """A function that writes the state to the cache; for news with `keep`."""
    offset, unknown = news.keep or (0, 0)
    return column_cache.keeper(state, news.run.events_path, offset, unknown)
