"""Very many commands to a run: what they cost grows as they do, and a step waits for few."""

from pathlib import Path
from typing import Literal

import pytest

from engine.runs import control
from engine.runs.control import Inbox, StopWatch, send
from engine.runs.events import CommandAnswered, Restarted, RunStarted, encode
from engine.runs.log_reader import read_all
from engine.runs.run_directory import RunDir
from engine.training.steering.earlier_commands import Past
from support.recorded import record
from tui.runs import loading
from tui.runs.state import store
from tui.runs.state.store import RunState

Outcome = Literal["accepted", "applied", "rejected"]


def flood(run: RunDir, number: int) -> list[str]:
    """Leave so many commands; returns their ids, oldest first."""
    run.control_path.mkdir(exist_ok=True)
    ids = [f"{index:032x}" for index in range(number)]
    for index, name in enumerate(ids):
        data = b'{"id":"%s","command":"set","arguments":{"lr":0.5}}' % name.encode()
        (run.control_path / f"{10**18 + index}-{name}.json").write_bytes(data)
    return ids


def answered(
    name: str, step: int, outcome: str = "applied", **arguments: object
) -> CommandAnswered:
    return CommandAnswered(id=name, command="set", arguments=arguments, outcome=outcome, step=step)


def test_a_command_in_the_log_is_worked_in_once(tmp_path: Path, monkeypatch) -> None:
    run = record(tmp_path, "r", steps=6)
    with run.events_path.open("ab") as file:
        for index in range(300):
            file.write(encode(answered(str(index), 6, lr=1.0 + index)))
    calls = []
    change = store.changed
    monkeypatch.setattr(store, "changed", lambda *given: calls.append(1) or change(*given))
    state = loading.load(run)
    assert state.config["optimizer"]["lr"] == 300.0
    assert len(calls) == 300


def test_the_settings_in_force_are_those_of_all_commands_in_turn(tmp_path: Path) -> None:
    """As they are worked out anew after a restart, which makes commands void."""
    (started, *_) = read_all(record(tmp_path, "r", steps=6).events_path)
    assert isinstance(started, RunStarted)
    state = RunState(run=RunDir(tmp_path / "r"))
    events = [
        started,
        answered("a", 1, lr=0.5, steps=40),
        answered("b", 2, outcome="rejected", lr=9.0),
        answered("c", 3, lr_factor=0.5, clip_mode="norm", clip_threshold=2.0),
        answered("d", 4, epochs=7),
    ]
    for event in events:
        state.apply(event)
    assert (state.config["optimizer"]["lr"], state.planned_steps) == (0.25, 14)
    before = state.config
    state._settle()
    assert (state.config, state.planned_steps) == (before, 14)
    state.apply(Restarted(step=2, checkpoint="", attempt=1, reason="test"))
    assert (state.config["optimizer"]["lr"], state.planned_steps) == (0.5, 40)
    state.apply(Restarted(step=0, checkpoint="", attempt=2, reason="test"))
    assert state.config == started.config
    assert state.planned_steps == started.planned_steps


def test_a_flood_is_taken_in_small_parts_and_in_order(tmp_path: Path) -> None:
    run = record(tmp_path, "r")
    ids, inbox, parts = flood(run, 200), Inbox(run, 0.0), []
    while sum(map(len, parts)) < 200:
        parts.append(inbox.take())
    assert max(map(len, parts)) <= control.MOST_AT_ONCE
    assert [command.id for part in parts for command in part] == ids
    assert inbox.take() == []
    late = send(run, "pause")
    assert [command.id for command in inbox.take()] == [late]


def test_a_listing_goes_on_where_the_last_poll_left_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(control, "BUDGET_SECONDS", 0.0)
    run = record(tmp_path, "r")
    ids, inbox, taken, polls = flood(run, 1000), Inbox(run, 0.0), [], 0
    while len(taken) < 1000:
        taken += inbox.take()
        polls += 1
    assert [command.id for command in taken] == ids
    assert polls > 1000  # one at a time, after listings of 256 names each


def test_all_that_is_there_is_had_at_once_where_no_step_waits(tmp_path: Path) -> None:
    run = record(tmp_path, "r")
    ids = flood(run, 100)
    assert [command.id for command in Inbox(run).take(at_once=True)] == ids


def test_only_commands_without_an_answer_are_read_again(tmp_path: Path, monkeypatch) -> None:
    run = record(tmp_path, "r", steps=6)
    ids = flood(run, 50)
    Inbox(run).take(at_once=True)
    with run.events_path.open("ab") as file:
        for name in ids[:48]:
            file.write(encode(answered(name, 6, lr=0.5)))
    read, reads = control._read, []
    monkeypatch.setattr(control, "_read", lambda path: reads.append(path) or read(path))
    past = Past(run)
    assert [command.id for command in past.unanswered] == ids[48:]
    assert len(reads) == 2
    assert [event.id for event in past.applied_after(ids[:40])] == ids[40:48]


@pytest.mark.parametrize("take", [False, True])
def test_a_stop_at_once_is_seen_behind_a_flood(tmp_path: Path, take: bool) -> None:
    run = record(tmp_path, "r")
    watch = StopWatch(run)
    flood(run, 2500)
    assert watch.at_once() == ""
    send(run, "stop", control.Arguments(now=True))
    if take:
        inbox, taken = Inbox(run), []
        while len(taken) < 2501:
            taken += inbox.take(at_once=True)
    assert watch.at_once() == "stop --now"


def test_which_stops_are_a_second_one(tmp_path: Path) -> None:
    run = record(tmp_path, "r")
    send(run, "stop")
    watch = StopWatch(run)  # what was there before is not counted
    send(run, "stop", control.Arguments(after="epoch"))
    send(run, "pause")
    assert watch.at_once() == ""
    send(run, "stop")
    assert watch.at_once() == ""
    send(run, "stop")
    assert watch.at_once() == "a second stop command"
