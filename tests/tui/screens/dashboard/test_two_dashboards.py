"""Two dashboards that follow one run see the same, while both send it commands."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from engine.config import configure
from engine.runs import control, run_directory, start_process
from engine.runs.control import Arguments
from engine.runs.events import CommandAnswered
from engine.runs.log_reader import read_all
from presets import yaml
from presets.userconfig import AlertKind
from support.recorded import wait_for
from support.terminal import ENTER, Terminal
from tui.runs import loading
from tui.runs.feed import Feed
from tui.runs.news import News
from tui.runs.state.store import RunState

COMMANDS = 20
ASKED = "each applied once, in order; both views identical"


def watch(run: run_directory.RunDir) -> tuple[RunState, Feed]:
    """What a dashboard does, without its widgets."""
    state = loading.open_state(run)

    def deliver(news: tuple[News, ...]) -> None:
        for item in news:
            loading.apply(state, item)
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


@pytest.mark.figure("two dashboards' states, 20 concurrent commands", asked=ASKED)
def test_both_views_are_identical_and_each_command_is_applied_once(
    tmp_path: Path, measured: Callable[[str], None]
) -> None:
    run = run_directory.create(tmp_path / "runs", configure.resolve(settings={"epochs": 500}))
    engine = start_process.start([run])
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
    ids = [c.id for c in first[0].commands if c.outcome == "applied"]
    assert len(ids) == len(set(ids)) == COMMANDS + 1
    same = view(first[0]) == view(second[0])
    measured(f"{len(set(ids)) - 1} applied once; views {'identical' if same else 'differ'}")
    assert same


@pytest.mark.slow
@pytest.mark.figure("two real dashboards, 20 concurrent commands", asked=ASKED)
def test_two_screens_show_the_same(
    tmp_path: Path, measured: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each dashboard sends one of the commands by its keys, the others come from threads. Alerts
    are off: they tell what happened since a screen was opened, and one was opened before the
    other."""
    config = tmp_path / "config/bigmodel-tui/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text(yaml.dump({"alerts": {"off": list(get_args(AlertKind))}}))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    run = run_directory.create(tmp_path / "runs", configure.resolve(settings={"epochs": 10**6}))
    engine = start_process.start([run])
    try:
        with (
            Terminal("watch", str(run.path), cwd=tmp_path) as one,
            Terminal("watch", str(run.path), cwd=tmp_path) as other,
        ):
            for terminal in (one, other):
                terminal.wait(lambda terminal=terminal: "running" in terminal.lines[0])
            senders = [
                threading.Thread(target=control.send, args=(run, "set", Arguments(lr=number)))
                for number in range(1, COMMANDS - 1)
            ]
            one.send("lx0.5")
            other.send("gvalue 0.5")
            one.wait_for("x0.5")
            other.wait_for("value 0.5")
            for sender in senders:
                sender.start()
            one.send(ENTER)
            other.send(ENTER)
            for sender in senders:
                sender.join()
            wait_for(lambda: len(applied(run)) == COMMANDS)
            control.send(run, "stop")
            for terminal in (one, other):
                terminal.wait(lambda terminal=terminal: "stopped" in terminal.lines[0])
            one.wait(lambda: (other.read(0.05), one.lines == other.lines)[1])
            shown = one.text
    finally:
        engine.terminate()
        engine.wait()
    sent = [path.stem.partition("-")[2] for path in sorted(run.control_path.glob("*.taken"))]
    assert [command.id for command in applied(run)] == sent
    assert len(set(sent)) == COMMANDS + 1
    assert "value 0.5" in shown
    measured(f"{COMMANDS} applied once, in order; screens identical")


def applied(run: run_directory.RunDir) -> list[CommandAnswered]:
    """In the order of the log."""
    events = read_all(run.events_path)
    return [e for e in events if isinstance(e, CommandAnswered) and e.outcome == "applied"]
