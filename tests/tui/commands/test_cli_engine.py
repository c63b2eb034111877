"""`bigmodel-tui run` with a real engine: what it says, its status, and how it is interrupted."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner, Result

from engine.config import configure
from engine.race import devices
from engine.runs import control, run_directory, start_process
from engine.runs.run_directory import RunDir
from presets import UserError
from presets.userconfig import Alerts
from support.recorded import record, wait_for
from tui import cli
from tui.commands import headless, logout
from tui.runs import loading

COMMAND = [sys.executable, "-P", "-c", "from tui.cli import main; main()"]
ENDLESS = ("run", "--steps", "100000000", "--json")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli.cli, list(arguments))


def only_run(root: Path) -> RunDir:
    (run,) = run_directory.list_runs(root)
    return run


@pytest.fixture
def spawn(runs_root: Path):
    """Starts the command line as a process of its own; no engine outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
    for run in run_directory.list_runs(runs_root):
        control.send(run, "stop")
        wait_for(lambda run=run: not run_directory.locked(run))


def next_event(stream: IO[str] | None, name: str) -> dict:
    """Read JSON lines up to the first event of this name."""
    assert stream is not None
    for line in stream:
        event = json.loads(line)
        if event["event"] == name:
            return event
    raise AssertionError(f"the output ended before {name!r}")


def test_plain_lines_and_a_row_a_step(runs_root: Path) -> None:
    result = invoke("run", "--steps", "50", "--seed", "1", "--name", "short")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    first, *evaluations, end, path = result.stdout.splitlines()
    run = only_run(runs_root)
    assert first == (
        f"{run.id}: mlp + digits + adam, 59,338 parameters, 50 steps of 32 samples,"
        " about 631 MB of memory"
    )
    assert [line.split(",")[0] for line in evaluations] == ["step 40", "step 50", "step 50"]
    assert "val accuracy 0." in evaluations[0]
    assert end.startswith("done (")
    assert "test accuracy 0." in end
    assert path == str(run.path)
    rows = invoke("export", run.id, "--format", "csv").stdout.splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == [str(step) for step in range(1, 51)]
    assert all(row.split(",")[2] for row in rows)  # train/loss


def test_json_lines(runs_root: Path) -> None:
    options = ("--clip-value", "0.1", "--lr", "1e-2", "--batch-size", "100", "--epochs", "1")
    result = invoke("run", "--model", "logistic", "--optimizer", "sgd", *options, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events] == ["started", "evaluation", "evaluation", "ended"]
    started, val, test, ended = events
    run = only_run(runs_root)
    assert (started["id"], started["path"]) == (run.id, str(run.path))
    assert (started["planned_steps"], started["num_parameters"]) == (13, 650)
    assert (val["split"], val["step"], test["split"]) == ("val", 13, "test")
    assert (ended["status"], ended["steps"], ended["damaged"]) == ("done", 13, 0)
    assert ended["test"] == {"loss": test["loss"], "accuracy": test["accuracy"]}
    config = run.config()
    assert (config.clip.mode, config.clip.threshold) == ("value", 0.1)
    assert (config.optimizer.options["lr"], config.batch_size) == (0.01, 100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--device cuda:0", "device: cuda:0 is not available here (there is no GPU); allowed: "),
        ("--precision tf32", "precision: tf32 needs a CUDA device (there is no GPU); allowed: "),
    ],
)
def test_without_a_gpu_nothing_is_begun(
    runs_root: Path, monkeypatch: pytest.MonkeyPatch, options: str, message: str
) -> None:
    monkeypatch.setattr(devices, "_maybe_gpus", lambda: False)
    result = invoke("run", "--steps", "3", *options.split())
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"bigmodel-tui: {message}")
    assert run_directory.list_runs(runs_root) == []


def test_an_absent_device_fails_in_one_line(
    runs_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "_maybe_gpus", lambda: True)
    result = invoke("run", "--steps", "3", "--device", "cuda:99")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("bigmodel-tui: run failed: device: ")
    assert line.endswith(f"; see {only_run(runs_root).engine_log_path}")
    assert "Traceback" not in result.output


def test_an_engine_that_dies_before_its_first_event(runs_root: Path) -> None:
    config = configure.resolve(settings={"steps": 3})
    run = run_directory.create(runs_root, config)
    run.config_path.unlink()
    with CliRunner().isolation() as (out, err, _):
        status = headless.train(run, config, configure.plan(config), as_json=True)
        printed, complaint = out.getvalue().decode(), err.getvalue().decode()
    assert status == 1
    ended = json.loads(printed.splitlines()[-1])
    assert (ended["event"], ended["status"]) == ("ended", "failed")
    said = run.engine_log_path.read_text().splitlines()[-1]
    assert "not a run directory" in said
    assert said in ended["reason"]
    assert said in complaint
    assert len(complaint.splitlines()) == 1


def test_a_killed_engine_is_a_crash(spawn: Callable, runs_root: Path) -> None:
    process = spawn(*ENDLESS)
    next_event(process.stdout, "evaluation")
    os.kill(run_directory.pid(only_run(runs_root)) or 0, signal.SIGKILL)
    ended = next_event(process.stdout, "ended")
    assert ended["status"] == "crashed"
    run = only_run(runs_root)
    assert ended["reason"] == f"the engine was killed by signal 9, after step {ended['steps']}"
    _, complaint = process.communicate(timeout=100)
    assert process.returncode == 1
    (line,) = complaint.splitlines()
    assert line.startswith("bigmodel-tui: run crashed: the engine was killed by signal 9, after")
    shown = invoke("show", run.id)
    assert "crashed: killed by signal 9" in shown.stdout
    facts = json.loads(invoke("ls", "--json").stdout)
    assert (facts["status"], facts["pid"]) == ("crashed", None)


def test_detach_returns_at_once_and_resume_goes_on(spawn: Callable, runs_root: Path) -> None:
    started = spawn("run", "--steps", "100000000", "--set", "checkpoint.every_steps=50", "--detach")
    out, err = started.communicate(timeout=100)
    run = only_run(runs_root)
    assert (started.returncode, out, err) == (0, f"{run.id}\n", "")
    wait_for(lambda: loading.load(run).step > 100)
    facts = json.loads(invoke("show", run.id, "--json").stdout)
    assert (facts["status"], facts["pid"]) == ("running", run_directory.pid(run))
    refused = invoke("run", "--resume", run.id)
    assert refused.exit_code == 2
    assert "another engine is at work" in refused.stderr
    os.kill(run_directory.pid(run) or 0, signal.SIGKILL)
    wait_for(run.exit_path.exists)
    died_at = loading.load(run).step

    again = spawn("run", "--resume", run.id, "--detach", "--json")
    out, err = again.communicate(timeout=100)
    event = json.loads(out)
    assert (event["event"], event["id"], err) == ("started", run.id, "")
    wait_for(lambda: loading.load(run).step > died_at)
    control.send(run, "stop")
    wait_for(lambda: not run_directory.locked(run))
    state = loading.load(run)
    assert state.status == "stopped"
    assert state.seconds.steps.tolist() == list(range(1, state.step + 1))
    assert not run.resume_path.exists()

    control.send(run, "stop")  # also to a run that was stopped: it goes on, and obeys
    finished = spawn("run", "--resume", run.id, "--json")
    out, err = finished.communicate(timeout=100)
    assert (finished.returncode, err) == (0, "")
    assert [json.loads(line)["event"] for line in out.splitlines()][-1] == "ended"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--resume", "done"], "this run is done; nothing is left to go on with"),
        (["--resume", "done", "--lr", "1"], "--resume: a run goes on with its own settings; leave"),
        (["--resume", "absent"], "no run 'absent'"),
    ],
)
def test_what_cannot_be_resumed(runs_root: Path, arguments: list[str], line: str) -> None:
    record(runs_root, "done")
    result = invoke("run", *arguments)
    assert result.exit_code == 2
    assert line in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_logout(tmp_path: Path) -> None:
    (tmp_path / "etc/systemd/logind.conf.d").mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/user.slice/user-1.slice/session-3.scope\n")
    main = tmp_path / "etc/systemd/logind.conf"
    main.write_text("[Login]\n#KillUserProcesses=yes\n")
    assert logout.warning(tmp_path, "ada") == ""
    main.write_text("[Login]\nKillUserProcesses = yes\n")
    line = logout.warning(tmp_path, "ada")
    assert "`loginctl enable-linger ada`" in line
    assert len(line.splitlines()) == 1
    assert logout.warning(tmp_path, "root") == ""
    (tmp_path / "etc/systemd/logind.conf.d/50.conf").write_text("KillOnlyUsers=bob\n")
    assert logout.warning(tmp_path, "ada") == ""
    assert logout.warning(tmp_path, "bob") != ""
    (tmp_path / "var/lib/systemd/linger").mkdir(parents=True)
    (tmp_path / "var/lib/systemd/linger/bob").touch()
    assert logout.warning(tmp_path, "bob") == ""


def test_the_first_interrupt_stops_the_run(spawn: Callable, runs_root: Path) -> None:
    process = spawn(*ENDLESS)
    next_event(process.stdout, "evaluation")
    process.send_signal(signal.SIGINT)
    ended = next_event(process.stdout, "ended")
    _, complaint = process.communicate(timeout=100)
    assert process.returncode == 0, complaint
    assert ended["status"] == "stopped"
    assert complaint.startswith("bigmodel-tui: stopping after the current step; Ctrl-C again")
    run = only_run(runs_root)
    assert ended["steps"] == loading.load(run).step
    assert not run_directory.locked(run)


def test_the_second_interrupt_leaves_the_run_alive(
    runs_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configure.resolve(settings={"steps": 3})
    run = run_directory.create(runs_root, config)
    deaf = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    def start(_: object) -> subprocess.Popen[bytes]:
        os.kill(os.getpid(), signal.SIGINT)
        return deaf

    def send(sent: RunDir, command: str) -> str:
        assert (sent, command) == (run, "stop")
        os.kill(os.getpid(), signal.SIGINT)
        return "id"

    monkeypatch.setattr(start_process, "start", start)
    monkeypatch.setattr(control, "send", send)
    try:
        status = headless.train(run, config, configure.plan(config), as_json=True)
        assert status == 130
        assert deaf.poll() is None
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.endswith(f"the run goes on; `bigmodel-tui watch {run.id}` returns to it")
    finally:
        deaf.communicate(b"\n")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("encoding", "block"), [("utf-8", "█"), pytest.param("ascii", "#", marks=pytest.mark.slow)]
)
def test_a_progress_bar_on_a_terminal(runs_root: Path, encoding: str, block: str) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    process = subprocess.Popen(
        [*COMMAND, "run", "--steps", "60"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "PYTHONIOENCODING": encoding},
    )
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 65536):
            written += chunk
    except OSError:
        pass  # how Linux says that the other end is closed
    finally:
        os.close(ours)
    assert process.wait(timeout=60) == 0
    bar, _, rest = written.decode(encoding).partition("\r\n")[2].partition("\r\n")
    drawings = bar.split("\r")[1:]
    assert drawings
    assert {len(drawing) for drawing in drawings} == {59}
    assert "\x1b" not in bar
    assert block * 5 in drawings[-1]
    assert "step 60/60" in drawings[-1]
    assert "done (" in rest


def test_alerts_are_warnings_and_run_the_users_command(runs_root: Path, tmp_path: Path) -> None:
    target = tmp_path / "told"
    code = f"import os; open({str(target)!r}, 'a').write(os.environ['BIGMODEL_ALERT'] + ' ')"
    told = Alerts(command=(sys.executable, "-c", code), command_seconds=60)
    lr = {"optimizer.lr": 1e30, "clip.mode": "none", "on_non_finite": "stop"}
    config = configure.resolve(optimizer="sgd", settings={"steps": 30, **lr})
    run = run_directory.create(runs_root, config)
    with CliRunner().isolation() as (out, _, _):
        headless.train(run, config, configure.plan(config), as_json=False, alerts=told)
        lines = out.getvalue().decode().splitlines()
    assert [line for line in lines if line.startswith("warning: nan at step ")]
    assert {"nan", "finished"} <= set(target.read_text().split())


@pytest.mark.parametrize("how", [["--detach"], []], ids=["detached", "watched"])
def test_whoever_starts_a_run_is_told_what_a_logout_does(runs_root, monkeypatch, capsys, how):
    def refuse(*_, **__):
        raise UserError("no")

    monkeypatch.setattr(logout, "warning", lambda: "systemd ends your processes")
    monkeypatch.setattr(start_process, "start", refuse)
    with pytest.raises(SystemExit):
        cli.cli(["run", *how])
    said = capsys.readouterr().err
    assert said == "bigmodel-tui: systemd ends your processes\nbigmodel-tui: no\n"
