"""Two dashboards that follow one run see the same, while both send it commands."""

import threading
from pathlib import Path

from recorded import wait_for

from engine import configure, control, launch, rundir
from engine.control import Arguments
from tui import follow
from tui.feed import Feed
from tui.store import RunState

COMMANDS = 20


def watch(run: rundir.RunDir) -> tuple[RunState, Feed]:
    """What a dashboard does, without its widgets."""
    state = follow.open_state(run)

    def deliver(news: tuple[follow.News, ...]) -> None:
        for item in news:
            follow.apply(state, item)
        feed.taken()

    feed = Feed([run], deliver)
    feed.start()
    return state, feed


def view(state: RunState) -> dict[str, object]:
    """Everything that a dashboard shows."""
    return {
        "metrics": {
            name: (series.steps.tolist(), [repr(value) for value in series.values.tolist()])
            for name, series in state.metrics.items()
        },
        "marks": list(state.marks),
        "history": list(state.history),
        "commands": list(state.commands),
        "config": state.config,
        "status": state.status,
    }


def test_both_views_are_identical_and_each_command_is_applied_once(tmp_path: Path) -> None:
    run = rundir.create(tmp_path / "runs", configure.resolve(settings={"epochs": 500}))
    engine = launch.start([run])
    try:
        first, second = watch(run), watch(run)
        wait_for(lambda: first[0].step > 0)
        senders = [
            threading.Thread(
                target=control.send, args=(run, "set", Arguments(lr=1e-3 + number * 1e-5))
            )
            for number in range(COMMANDS)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        wait_for(lambda: [c.outcome for c in first[0].commands].count("applied") == COMMANDS)
        control.send(run, "stop")
        wait_for(lambda: first[0].ended and second[0].ended)
    finally:
        engine.terminate()
        engine.wait()
    for _, feed in (first, second):
        feed.close()
        feed.join()
    applied = [c.id for c in first[0].commands if c.outcome == "applied"]
    assert len(applied) == len(set(applied)) == COMMANDS + 1
    assert view(first[0]) == view(second[0])
