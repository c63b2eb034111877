"""A person steers a loop of their own: it obeys what it registered, in its own thread."""

import threading
import time
from collections.abc import Callable

import pytest

import bigmodel_tui
from engine.runs.control import Arguments, send
from engine.runs.events import CommandAnswered, RunStarted, StateChanged
from engine.runs.log_reader import read_all
from engine.runs.run_directory import RunDir
from tui.runs.state.store import RunState


@pytest.fixture
def loop(tmp_path):
    with bigmodel_tui.open_run({"lr": 0.5, "drop": 0.1}, runs_dir=tmp_path / "runs") as run:
        yield Loop(run)


class Loop:
    """A loop that a test takes steps of."""

    def __init__(self, run: bigmodel_tui.Run) -> None:
        self.run = run
        assert run.path is not None
        self.dir = RunDir(run.path)
        self.step = 0

    def take_step(self) -> None:
        self.step += 1
        self.run.log(self.step, {"train/loss": 1.0, "lr": 0.5})

    def until(self, there: Callable[[], bool], turn: Callable[[], None] | None = None) -> None:
        deadline = time.monotonic() + 60
        while not there():
            assert time.monotonic() < deadline
            (turn or self.take_step)()
            time.sleep(0.01)

    def events(self, kind) -> list:
        found = read_all(self.dir.events_path) if self.dir.events_path.exists() else []
        return [event for event in found if isinstance(event, kind)]

    def answer(self, command, arguments=None) -> CommandAnswered:
        """Ask, and take steps until there is an answer that is final."""
        self.until(lambda: bool(self.events(RunStarted)))
        asked = send(self.dir, command, arguments)
        done: list[CommandAnswered] = []

        def there() -> bool:
            done[:] = [
                e for e in self.events(CommandAnswered) if e.id == asked and e.outcome != "accepted"
            ]
            return bool(done)

        self.until(there)
        return done[0]

    def state(self) -> RunState:
        found = RunState(self.dir)
        for event in read_all(self.dir.events_path):
            found.apply(event)
        return found


def test_a_function_gets_the_value_in_the_thread_of_the_loop(loop):
    got: list[tuple[float, int]] = []

    def set_lr(value: float) -> str:
        got.append((value, threading.get_ident()))
        return f"lr 0.5 -> {value}"

    loop.run.on("lr", set_lr)
    other = threading.Thread(target=lambda: (loop.take_step(), None))
    loop.take_step()
    other.start()
    other.join()
    answer = loop.answer("set", Arguments(lr=0.25))
    assert (answer.outcome, answer.reason) == ("applied", "lr 0.5 -> 0.25")
    assert loop.answer("set", Arguments(lr_factor=0.1)).arguments == {"lr": 0.05}
    assert got == [(0.25, threading.get_ident()), (0.05, threading.get_ident())]
    assert loop.state().config["lr"] == 0.05


def test_names_of_its_own_and_commands_without_a_value(loop):
    got: list[object] = []
    loop.run.on("drop", got.append)
    loop.run.on("checkpoint", lambda: got.append("saved"))
    loop.run.on("shuffle", lambda: got.append("shuffled"))
    assert loop.answer("set", Arguments(own={"drop": 0.2})).outcome == "applied"
    assert loop.answer("set", Arguments(own={"drop": "none"})).outcome == "applied"
    assert loop.answer("checkpoint").outcome == "applied"
    assert loop.answer("set", Arguments(own={"shuffle": None})).outcome == "applied"
    assert got == [0.2, "none", "saved", "shuffled"]
    assert loop.state().config["drop"] == "none"


@pytest.mark.parametrize(
    ("command", "arguments", "reason"),
    [
        ("set", Arguments(epochs=3), "this loop accepts stop, pause, lr; not epochs"),
        ("set", Arguments(own={"drop": 1}), "this loop accepts stop, pause, lr; not drop"),
        ("set", Arguments(), "this loop accepts stop, pause, lr; not nothing"),
        ("checkpoint", None, "this loop accepts stop, pause, lr; not checkpoint"),
        ("profile", None, "this loop accepts stop, pause, lr; not profile"),
        ("resume", None, "the run is not paused"),
        ("set", Arguments(lr=3.0), "ValueError: at most 1"),
    ],
)
def test_what_is_refused_is_said(loop, command, arguments, reason):
    def set_lr(value: float) -> None:
        if value > 1:
            raise ValueError("at most 1")

    loop.run.on("lr", set_lr)
    answer = loop.answer(command, arguments)
    assert (answer.outcome, answer.reason) == ("rejected", reason)


def test_a_pause_waits_inside_of_log_until_it_goes_on_or_stops(loop):
    loop.run.on("lr", lambda value: None)
    for end in ("resume", "stop"):
        loop.until(lambda: bool(loop.events(RunStarted)))
        paused = len(loop.events(StateChanged)) + 1
        asked: list[str] = []

        def person(paused=paused, end=end, asked=asked) -> None:
            loop.until(lambda: len(loop.events(StateChanged)) == paused, lambda: None)
            asked.append(send(loop.dir, "set", Arguments(lr=0.1)))  # obeyed while it waits
            loop.until(
                lambda: any(
                    e.id == asked[0] and e.outcome == "applied"
                    for e in loop.events(CommandAnswered)
                ),
                lambda: None,
            )
            asked.append(str(loop.step))
            send(loop.dir, end)

        send(loop.dir, "pause")
        helper = threading.Thread(target=person)
        helper.start()
        loop.until(lambda paused=paused: len(loop.events(StateChanged)) == paused + 1)
        helper.join()
        state = loop.events(StateChanged)[-2]
        assert (state.state, state.step) == ("paused", int(asked[1]))
        assert loop.events(StateChanged)[-1].state == "running"
    assert loop.run.should_stop


def test_what_a_loop_accepts_is_in_its_log(loop):
    loop.run.on("lr", lambda value: None)
    loop.until(lambda: bool(loop.events(RunStarted)))
    loop.run.on("drop", lambda value: None)
    loop.until(lambda: len(loop.events(RunStarted)) == 2)
    first, second = loop.events(RunStarted)
    assert first.accepts == ["stop", "pause", "lr"]
    assert second.accepts == ["stop", "pause", "lr", "drop"]
    assert second.time == first.time


@pytest.mark.parametrize(
    ("name", "function", "warned"),
    [
        ("pause", print, "on: pause needs no function"),
        ("lr", 3, "on: lr: expected a function, got int"),
        ("", print, "on: expected a name of one line and 1 to 60 characters, got ''"),
        ("two\nlines", print, "on: expected a name of one line"),
        (None, print, "on: expected a name of one line"),
    ],
)
def test_a_registration_that_makes_no_sense_is_told(loop, name, function, warned):
    loop.run.on(name, function)
    loop.until(lambda: bool(loop.events(RunStarted)))
    assert any(line.message.startswith(warned) for line in loop.state().log)
    assert loop.events(RunStarted)[-1].accepts == ["stop", "pause"]
