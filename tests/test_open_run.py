"""A loop that is not ours, on the dashboard: it is recorded, and never suffers from it."""

import gc
import json
import math
import os
import pickle
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import bigmodel_tui
from engine.runs.control import send
from engine.runs.events import CommandAnswered, LogLine, RunEnded, RunStarted, Scalars
from engine.runs.log_reader import read_all
from engine.runs.run_directory import RunDir
from presets import UserError
from support.recorded import wait_for
from tui.runs.state.store import RunState


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("BIGMODEL_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


def events(run: RunDir, kind):
    return [event for event in read_all(run.events_path) if isinstance(event, kind)]


def state(run: RunDir) -> RunState:
    found = RunState(run)
    for event in read_all(run.events_path):
        found.apply(event)
    return found


def recorded(run: bigmodel_tui.Run) -> RunDir:
    assert run.path is not None
    return RunDir(run.path)


def test_steps_evaluations_and_clipping_are_recorded():
    torch.set_num_threads(1)
    model = torch.nn.Linear(4, 1)
    norms = []
    with bigmodel_tui.open_run({"model": "linear", "lr": 0.1}, steps=20) as run:
        for step in range(1, 21):
            model.zero_grad()
            loss = (step * model(torch.ones(2, 4))).square().mean()
            loss.backward()
            before = [p.grad.clone() for p in model.parameters()]
            norms.append(run.clip_(model.parameters(), max_norm=2.0))
            expected = torch.nn.utils.get_total_norm(before)
            assert torch.equal(norms[-1], expected)
            scale = min(1.0, 2.0 / (float(expected) + 1e-6))
            for weight, gradient in zip(model.parameters(), before, strict=True):
                assert torch.allclose(weight.grad, gradient * scale)
            run.log(step, {"train/loss": loss, "lr": 0.1})
            if step % 10 == 0:
                run.log(step, {"val/loss": step / 100})
    found = state(recorded(run))
    assert found.ended is not None
    assert (found.ended.status, found.ended.step) == ("done", 20)
    assert found.metrics["grad_norm"].steps.tolist() == list(range(1, 21))
    assert found.metrics["grad_norm"].values.tolist() == pytest.approx([float(n) for n in norms])
    assert found.metrics["clipped"].values.tolist() == [float(n > 2.0) for n in norms]
    assert max(found.metrics["clip/norm_after"].values) <= 2.0
    assert found.metrics["val/loss"].steps.tolist() == [10, 20]
    assert found.metrics["val/loss"].values.tolist() == [0.1, 0.2]
    (started,) = events(recorded(run), RunStarted)
    assert (started.planned_steps, started.num_parameters) == (20, 5)
    assert started.config == {"model": "linear", "lr": 0.1, "name": ""}
    assert recorded(run).path.stat().st_mode & 0o777 == 0o700


LOOP = """
    import os, sys, time
    import engine  # of this repository
    import bigmodel_tui
    assert engine.THEIRS == "not ours"
    with bigmodel_tui.open_run({"model": "theirs"}) as run:
        for step in range(1, 101):
            run.log(step, {"train/loss": 1 / step})
            if step == 50:
                {at_50}
    assert "engine.programs.recorder" not in sys.modules
    print("through")
"""


def loop(folder: Path, at_50: str = "pass") -> subprocess.Popen[str]:
    """A program in a repository that has a package `engine` of its own."""
    (folder / "engine").mkdir()
    (folder / "engine" / "__init__.py").write_text("THEIRS = 'not ours'\n")
    (folder / "main.py").write_text(textwrap.dedent(LOOP).replace("{at_50}", at_50))
    return subprocess.Popen(
        [sys.executable, "main.py"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def steps_of(run: RunDir) -> list[int]:
    if not run.events_path.exists():
        return []
    return [step for event in events(run, Scalars) for step in event.step]


def only_run(runs: Path) -> RunDir:
    (path,) = [path for path in runs.iterdir() if not path.name.startswith(".")]
    return RunDir(path)


def test_beside_a_package_engine_of_its_own(tmp_path, runs):
    program = loop(tmp_path)
    out, err = program.communicate(timeout=100)
    assert (program.returncode, out, err) == (0, "through\n", "")
    run = only_run(runs)
    steps = [step for event in events(run, Scalars) for step in event.step]
    assert steps == list(range(1, 101))
    (ended,) = events(run, RunEnded)
    assert ended.status == "done"
    with pytest.raises(UserError, match="recorded from a training loop of its own"):
        run.config()


def test_a_recorder_that_is_killed_costs_a_warning(tmp_path):
    kill = "os.kill(run._wire.pid, 9); time.sleep(0.5)"
    out, err = (program := loop(tmp_path, kill)).communicate(timeout=100)
    assert (program.returncode, out) == (0, "through\n")
    assert err.count("RuntimeWarning: bigmodel_tui: ") == 1
    assert "the rest of this run is not recorded" in err


def test_a_loop_that_is_killed_has_crashed(tmp_path, runs):
    last = "time.sleep(0.2); run.log(51, {'train/loss': 0.0}); "  # a block is sent when it is old
    program = loop(tmp_path, last + "sys.stdout.write('sent'); sys.stdout.flush(); time.sleep(100)")
    assert program.stdout is not None
    assert program.stdout.read(4) == "sent"
    wait_for(lambda: runs.exists() and steps_of(only_run(runs))[-1:] == [51])
    program.kill()
    program.communicate(timeout=100)
    run = only_run(runs)
    (line,) = wait_for(lambda: events(run, LogLine))
    assert line.message == "the loop's process ended without a word"
    assert not events(run, RunEnded)
    assert steps_of(run) == list(range(1, 52))


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("no such batch"), "failed", "ValueError: no such batch"),
        (KeyboardInterrupt(), "stopped", "KeyboardInterrupt"),
        (SystemExit(0), "done", "the program ended"),
    ],
)
def test_how_it_ended(error, status, reason):
    with pytest.raises(type(error)), bigmodel_tui.open_run({}) as run:  # noqa: PT012
        run.log(1, {"train/loss": 1.0})
        raise error
    (ended,) = events(recorded(run), RunEnded)
    assert (ended.status, ended.reason) == (status, reason)


def test_a_folder_that_is_none_costs_a_warning(tmp_path):
    (tmp_path / "file").write_text("")
    file = tmp_path / "file"
    with (  # noqa: PT031
        pytest.warns(RuntimeWarning, match="this run is not recorded") as warned,
        bigmodel_tui.open_run({}, runs_dir=file) as run,
    ):
        for step in range(200):
            run.log(step, {"train/loss": 1.0})
    assert len(warned) == 1


def test_a_stop_command_is_seen_by_the_loop():
    with bigmodel_tui.open_run({}) as run:
        run.log(1, {"train/loss": 1.0})
        deadline = time.monotonic() + 60
        while not recorded(run).events_path.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        send(recorded(run), "stop")
        while not run.should_stop and time.monotonic() < deadline:
            time.sleep(0.02)
        assert run.should_stop
    answers = [event.outcome for event in events(recorded(run), CommandAnswered)]
    assert answers == ["accepted", "applied"]
    (ended,) = events(recorded(run), RunEnded)
    assert ended.status == "stopped"


def test_what_is_not_finite_is_shown_and_what_is_no_number_is_told():
    with bigmodel_tui.open_run({}) as run:
        run.log(1, {"train/loss": math.nan, "a": math.inf, "b": -math.inf})
        run.log(2, {"train/loss": "high", "c": torch.ones(3), "d": None, 5: 1.0})
        run.log(-1, {"train/loss": 1.0})
        run.log(3, None)
        run.log("four", {})
        run.log(3, {"train/loss": torch.tensor(2.5, dtype=torch.bfloat16)})
    first, *_, last = events(recorded(run), Scalars)
    assert first.values["train/loss"] == ["nan"]
    assert (first.values["a"], first.values["b"]) == (["inf"], ["-inf"])
    assert last.values["train/loss"] == [2.5]
    warned = [e.message for e in events(recorded(run), LogLine) if e.level == "warning"]
    assert "train/loss: expected a number, got str" in warned
    assert "c: expected a number, got Tensor of shape (3,)" in warned
    assert "step -1: expected 0 to 2**53; not recorded" in warned


def test_a_forked_worker_neither_records_nor_ends_the_run():
    with bigmodel_tui.open_run({}) as run:
        run.log(1, {"train/loss": 1.0})
        if (child := os.fork()) == 0:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                run.log(2, {"train/loss": 9.0})
                run.log(3, {"train/loss": 9.0})
            run.close()
            os._exit(0 if len(warned) == 1 else 1)
        assert os.waitpid(child, 0)[1] == 0
        run.log(2, {"train/loss": 0.5})
    losses = [v for event in events(recorded(run), Scalars) for v in event.values["train/loss"]]
    assert losses == [1.0, 0.5]


def test_a_run_that_another_process_gets_records_nothing_there(runs):
    with bigmodel_tui.open_run({}) as run:
        copy = pickle.loads(pickle.dumps(run))
        with pytest.warns(RuntimeWarning, match="did not open the run: what it logs is not"):
            copy.log(1, {"train/loss": 9.0})
        copy.close()
        run.log(1, {"train/loss": 0.5})
    assert state(only_run(runs)).metrics["train/loss"].values.tolist() == [0.5]


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_of_several_processes_the_first_is_the_run(runs, monkeypatch, rank):
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", "4")
    runs.mkdir(mode=0o700)
    with warnings.catch_warnings(record=True) as warned, bigmodel_tui.open_run({}) as run:
        warnings.simplefilter("always")
        run.log(1, {"train/loss": 0.5})
    assert len(list(runs.iterdir())) == (1 if rank == 0 else 0)
    said = f"process {rank} of 4 is not recorded: the first one is the run"
    assert [str(w.message) for w in warned] == ([] if rank == 0 else [f"bigmodel_tui: {said}"])
    if rank == 0:
        (started,) = events(recorded(run), RunStarted)
        assert started.accepts == ["stop"]  # the other processes would not wait with it


def test_a_run_that_nobody_holds_ends(runs):
    run = bigmodel_tui.open_run({})
    run.log(1, {"train/loss": 0.5})
    del run
    gc.collect()
    (ended,) = events(only_run(runs), RunEnded)
    assert (ended.status, ended.reason) == ("done", "the loop let go of it")


@pytest.fixture(scope="module")
def open_one(tmp_path_factory):
    with bigmodel_tui.open_run({}, runs_dir=tmp_path_factory.mktemp("any") / "runs") as run:
        yield run


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.complex_numbers(),
)


@settings(deadline=None, max_examples=200)
@given(step=ANYTHING, values=st.one_of(ANYTHING, st.dictionaries(ANYTHING, ANYTHING, max_size=5)))
def test_log_never_raises(open_one, step, values):
    open_one.log(step, values)
    assert open_one._wire is not None
    assert open_one._wire.alive


@given(
    config=st.recursive(ANYTHING, lambda inner: st.dictionaries(ANYTHING, inner) | st.lists(inner))
)
def test_any_settings_become_plain_data(config):
    from bigmodel_tui import _values

    assert isinstance(json.dumps(_values.settings(config)), str)
