"""Steering and forking from the command line, with a real engine."""

import json
import re
import shlex
import threading

import pytest
from click.testing import CliRunner

from engine.runs import control, run_directory
from engine.runs.events import CommandAnswered, RunStarted
from engine.runs.log_reader import LogWriter, read_all
from support.recorded import record, wait_for
from tui import cli
from tui.commands import steer
from tui.runs import loading


def invoke(*arguments: str):
    return CliRunner().invoke(cli.cli, list(arguments))


def line(result, status: int = 0) -> str:
    """The one line that a command prints."""
    assert result.exit_code == status, result.output
    (only,) = result.output.splitlines()
    return only


@pytest.fixture
def run(runs_root):
    """A run that trains until it is stopped."""
    result = invoke("run", "--steps", "100000000", "--model", "logistic", "--detach")
    assert result.exit_code == 0, result.output
    (made,) = run_directory.list_runs(runs_root)
    wait_for(lambda: loading.load(made).step)
    yield made
    if run_directory.locked(made):
        control.send(made, "stop")
    wait_for(lambda: not run_directory.locked(made))


def test_a_run_is_steered_from_its_side(run, runs_root) -> None:
    step = int(re.fullmatch(r"applied at step (\d+)", line(invoke("pause", run.id)))[1])
    assert loading.load(run).status == "paused"
    assert line(invoke("pause", run.id), 1) == "rejected: the run is paused already"
    changed = line(invoke("set", run.id, "--lr", "0.05", "--clip-value", "0.5"))
    assert changed == f"applied at step {step}: lr 0.001 -> 0.05, clip norm 1 -> value 0.5"
    # A second one of this step, if the best state so far is of it and has the old learning rate.
    saved = line(invoke("checkpoint", run.id)).removeprefix(f"applied at step {step}: saved ")
    assert saved in (f"step-{step:08d}", f"step-{step:08d}-2")
    facts = json.loads(line(invoke("set", run.id, "--lr-factor", "2", "--json")))
    assert facts.pop("id")
    assert facts == {
        "run": run.id,
        "command": "set",
        "arguments": {"lr_factor": 2},
        "outcome": "applied",
        "step": step,
        "reason": "lr 0.05 -> 0.1",
    }
    low = line(invoke("set", run.id, "--steps", "1"), 1)
    assert low == f"rejected: steps: {step} are done already, got 1"
    assert line(invoke("resume", run.id)) == f"applied at step {step}"
    assert line(invoke("resume", run.id), 1) == "rejected: the run is not paused"
    stopped = line(invoke("stop", run.id, "--after", "epoch"))
    assert re.fullmatch(r"(accepted at step \d+: stops after|applied at) step \d+", stopped)
    wait_for(lambda: not run_directory.locked(run))
    state = loading.load(run)
    assert (state.status, state.step) == ("stopped", int(stopped.split()[-1]))
    assert state.step % 40 == 0

    gone = line(invoke("pause", run.id), 2)
    assert gone == f"bigmodel-tui: {run.id}: no engine is at work on this run"
    check_fork(run, saved, step, runs_root)


def check_fork(run, saved: str, step: int, runs_root) -> None:
    settings = ("--set", f"steps={step + 3}", "--set", "clip.mode=none")
    result = invoke("fork", run.id, "--checkpoint", saved, "--optimizer", "sgd", *settings)
    assert result.exit_code == 0, result.output
    said = f"settings as at {saved}; changed after it and not taken: optimizer.lr 0.05 -> 0.1 "
    assert f"{said}(--with-changes takes it)" in result.stderr
    (child,) = [made for made in run_directory.list_runs(runs_root) if made.id != run.id]
    events = read_all(child.events_path)
    (started,) = [event for event in events if isinstance(event, RunStarted)]
    assert started.parent is not None
    assert (started.parent.run, started.parent.checkpoint) == (run.id, saved)
    state = loading.load(child)
    assert (state.status, state.step, state.first_step) == ("done", step + 3, step)
    config = child.config()
    assert (config.optimizer.name, config.clip.mode) == ("sgd", "none")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("pause nosuch", "no run 'nosuch' in "),
        ("pause", "Missing argument 'RUN'; see `bigmodel-tui pause --help`"),
        ("pause over", "over: no engine is at work on this run"),
        ("stop over --after year", "Invalid value for '--after': 'year' is not one of"),
        ("set over", "nothing to set; `bigmodel-tui set --help` lists what can be"),
        ("set over --lr fast", "learning rate: expected a number > 0, got 'fast'"),
        ("set over --lr nan", "learning rate: expected a number > 0, got 'nan'"),
        ("set over --clip-norm true", "clipping threshold: expected a number > 0, got True"),
        ("set over --lr -1", "learning rate: expected a number > 0.0, got -1"),
        ("set over --lr 1 --lr-factor 2", "--lr and --lr-factor exclude each other; give one"),
        ("set over --clip-norm 1 --no-clip", "--clip-norm and --no-clip exclude each other"),
        ("set over --epochs 1.5", "epochs: expected a whole number >= 1, got 1.5"),
        ("fork over", "over: no checkpoint to fork from"),
        ("fork over --checkpoint step-1", "over: no checkpoint 'step-1'; there are: none"),
        ("fork over --set x", "--set: expected KEY=VALUE such as optimizer.lr=3e-4, got 'x'"),
    ],
)
def test_bad_usage_is_one_line(runs_root, command: str, message: str) -> None:
    record(runs_root, "over")
    said = line(invoke(*shlex.split(command)), 2)
    assert said.startswith(f"bigmodel-tui: {message}")
    assert [run.id for run in run_directory.list_runs(runs_root)] == ["over"]


def test_an_engine_that_does_not_answer(runs_root, monkeypatch: pytest.MonkeyPatch) -> None:
    run = record(runs_root, "deaf", status=None)
    monkeypatch.setattr(steer, "ANSWER_SECONDS", 0.2)
    lock = run_directory.Lock(run)
    try:
        said = line(invoke("pause", "deaf"), 1)
        facts = json.loads(line(invoke("pause", "deaf", "--json"), 1))
    finally:
        lock.release()
    assert said == "no answer yet; the engine will find the command between two steps"
    assert (facts["outcome"], facts["reason"]) == (None, "no answer yet")
    assert len(control.Inbox(run).take()) == 2


def test_what_an_engine_answers_does_not_control_the_terminal(runs_root) -> None:
    run = record(runs_root, "evil", status=None)
    lock = run_directory.Lock(run)

    def answer() -> None:
        inbox = control.Inbox(run)
        (request,) = wait_for(lambda: inbox.take(at_once=True))
        log = LogWriter(run.events_path)
        reason = "\x1b]0;owned\x07\u202e"
        facts = {"id": request.id, "command": "pause", "step": 6, "reason": reason}
        log.append(CommandAnswered(outcome="rejected", **facts))
        log.close()

    engine = threading.Thread(target=answer)
    engine.start()
    try:
        said = line(invoke("pause", "evil"), 1)
    finally:
        engine.join()
        lock.release()
    assert said.startswith("rejected: ")
    assert said.isprintable()
