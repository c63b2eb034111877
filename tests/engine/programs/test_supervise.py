"""The parent of an engine: it says how a child died, starts it again, and knows when to give up."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from engine.runs import control, run_directory
from engine.runs.events import LogLine, Restarted, RunEnded, RunStarted, Scalars, StateChanged
from engine.runs.log_reader import read_all
from engine.runs.signs_of_life import health
from support.recorded import wait_for

ROOT = Path(__file__).parents[3]
# Dies at a step, as often as the file `deaths` in its first run says.
DEADLY = """
import os, pathlib, signal, sys
from engine import __main__
from engine.runs import journal
progress, folder = journal.Journal.progress, pathlib.Path(sys.argv[1])
def deadly(self, step):
    progress(self, step)
    steps = (folder / "deaths").read_text().split()
    if steps and step == int(steps[0]):
        (folder / "deaths").write_text(" ".join(steps[1:]))
        os.kill(os.getpid(), signal.SIGKILL)
journal.Journal.progress = deadly
sys.exit(__main__.main())
"""


def of_kind(run, kind):
    return [event for event in read_all(run.events_path) if isinstance(event, kind)]


def deadly(deaths, *runs):
    (runs[0].path / "deaths").write_text(deaths)
    command = [sys.executable, "-c", DEADLY, *(str(run.path) for run in runs)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def status(run):
    alive = run_directory.locked(run)
    started, ended = of_kind(run, RunStarted), of_kind(run, RunEnded)
    return health.examine(
        run,
        alive=alive,
        started=started[-1] if started else None,
        ended=ended[-1] if ended else None,
    )


def test_a_crash_is_told_and_the_queue_goes_on(tmp_path, tiny):
    first, second = (run_directory.create(tmp_path, tiny()) for _ in range(2))
    result = deadly("3", first, second)
    assert (result.returncode, result.stderr) == (1, "")
    assert status(first) == health.Health("crashed", "killed by signal 9")
    assert first.engine_log_path.read_text().splitlines()[-1] == (
        "the engine was killed by signal 9 after step 3"
    )
    assert status(second).status == "done"
    assert not second.exit_path.exists()


def test_a_run_is_restarted_until_it_is_done(tmp_path, tiny):
    config = tiny(max_restarts=1, checkpoint__every_steps=2)
    run = run_directory.create(tmp_path, config)
    assert deadly("3", run).returncode == 0
    assert status(run).status == "done"
    assert not run.exit_path.exists()
    restarts = of_kind(run, Restarted)
    assert [(event.attempt, event.reason) for event in restarts] == [
        (1, "killed by signal 9"),
    ]
    reached = [step for event in of_kind(run, Scalars) for step in event.step]
    assert set(reached) == set(range(1, 7))


def test_it_gives_up_when_a_step_fails_twice(tmp_path, tiny):
    run = run_directory.create(tmp_path, tiny(max_restarts=9))
    assert deadly("4 4", run).returncode == 1
    assert status(run).status == "failed"
    ended = read_all(run.events_path)[-1]
    assert ended.reason == "step 5 failed twice: killed by signal 9"
    assert of_kind(run, LogLine)[-1].message == f"failed: {ended.reason}"
    assert len(of_kind(run, Restarted)) == 1


def test_signals_to_the_parent_reach_the_child(tmp_path, tiny):
    """SIGTERM: see `test_main`."""
    run = run_directory.create(tmp_path, tiny(epochs=1_000_000))
    parent = subprocess.Popen([sys.executable, "-m", "engine", str(run.path)], cwd=ROOT)
    try:
        wait_for(lambda: of_kind(run, Scalars))
        child = run_directory.pid(run)
        assert child not in (None, parent.pid)
        os.kill(parent.pid, signal.SIGHUP)  # is nothing to it
        parent.send_signal(signal.SIGINT)
        assert parent.wait(60) == 0
    finally:
        parent.kill()
        parent.wait()
    ended = read_all(run.events_path)[-1]
    assert ended.reason == f"SIGINT after step {ended.step}"


def test_the_child_outlives_its_parent(tmp_path, tiny):
    run = run_directory.create(tmp_path, tiny(epochs=1_000_000))
    parent = subprocess.Popen([sys.executable, "-m", "engine", str(run.path)], cwd=ROOT)
    wait_for(lambda: of_kind(run, Scalars))
    parent.kill()
    parent.wait()
    before = of_kind(run, Scalars)[-1].step[-1]
    wait_for(lambda: of_kind(run, Scalars)[-1].step[-1] > before)
    assert status(run).status == "running"
    os.kill(run_directory.pid(run), signal.SIGTERM)
    wait_for(lambda: not run_directory.locked(run))
    assert status(run).status == "stopped"


def test_the_parent_never_loads_torch():
    code = (
        "import sys; import engine.__main__, engine.runs.signs_of_life.health; "
        "sys.exit('torch' in sys.modules or 'textual' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_a_paused_run_that_crashes_is_paused_again_while_restarts_are_left(tmp_path, tiny):
    run = run_directory.create(tmp_path, tiny(epochs=1_000_000, max_restarts=1))
    parent = subprocess.Popen([sys.executable, "-m", "engine", str(run.path)], cwd=ROOT)
    try:
        wait_for(lambda: of_kind(run, Scalars))
        control.send(run, "pause")
        wait_for(lambda: of_kind(run, StateChanged))
        os.kill(run_directory.pid(run), signal.SIGKILL)
        wait_for(lambda: len(of_kind(run, StateChanged)) == 2)
        (restarted,) = of_kind(run, Restarted)
        assert of_kind(run, StateChanged)[1].state == "paused"
        assert not [e for e in of_kind(run, Scalars) if e.time > restarted.time]
        os.kill(run_directory.pid(run), signal.SIGKILL)  # one restart was allowed
        assert parent.wait(60) == 1
        assert status(run) == health.Health("crashed", "killed by signal 9")
    finally:
        parent.kill()
        parent.wait()
    # Who resumes it wants it to go on.
    parent = subprocess.Popen([sys.executable, "-m", "engine", str(run.path)], cwd=ROOT)
    wait_for(lambda: of_kind(run, Scalars)[-1].time > of_kind(run, Restarted)[-1].time)
    assert len(of_kind(run, Restarted)) == 2
    parent.terminate()
    assert parent.wait(60) == 0
