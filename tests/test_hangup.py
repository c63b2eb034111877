"""The terminal goes away: the dashboard leaves at once, the run does not notice."""

import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from engine.config import configure
from engine.runs import control, run_directory, start_process
from support.recorded import wait_for
from tui.runs import loading
from tui.text import count

MAIN = [sys.executable, "-P", "-c", "from tui.cli import main; main()"]
IGNORING = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *MAIN]
"""As `nohup` would start it."""
UNHARMED = "run unharmed, dashboard gone <= 2 s, every step seen"


class Terminal:
    """A pseudo-terminal with a program in it, whose output is read and thrown away."""

    def __init__(self, command, **environment):
        self.shown = 0
        """Bytes that the program wrote."""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            # The terminal becomes that of a session: its end then sends SIGHUP.
            ["setsid", "--ctty", *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color", **environment},
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._open = True
        self._reader.start()

    def _read(self):
        while self._open:
            try:
                self.shown += len(os.read(self._ours, 65536))
            except OSError:
                return

    def hang_up(self):
        """Close the terminal; returns how many seconds the program took to leave."""
        self._open = False
        began = time.monotonic()
        # A file that a thread reads stays open until its read ends: the next output ends it.
        os.dup2(os.open(os.devnull, os.O_RDONLY), self._ours)
        self.process.wait(60)
        return time.monotonic() - began


@pytest.fixture
def run(runs_root):
    """A run that trains until the test ends."""
    config = configure.resolve(
        model="mlp",
        dataset="spirals",
        optimizer="adam",
        settings={"dataset.samples": 96, "epochs": 10**8, "device": "cpu", "threads": 1},
    )
    run = run_directory.create(runs_root, config)
    engine = start_process.start([run])
    wait_for(lambda: loading.load(run).step)
    yield run
    stop(run)
    assert engine.wait(60) == 0


def stop(run):
    if run_directory.locked(run):
        control.send(run, "stop")
        wait_for(lambda: not run_directory.locked(run))


def check_unharmed(run):
    """It trains on, and after its end every step can be seen."""
    before = loading.load(run).step
    wait_for(lambda: loading.load(run).step > before)
    stop(run)
    state = loading.load(run)
    assert (state.status, state.damaged) == ("stopped", 0)
    assert state.seconds.steps.tolist() == list(range(1, state.step + 1))
    return state.step


def test_the_dashboard_leaves_and_the_run_goes_on(run):
    """Without the signal it leaves too; the slow test below has both."""
    terminal = Terminal([*MAIN, "watch", run.id])
    wait_for(lambda: terminal.shown > 5000)
    terminal.hang_up()
    check_unharmed(run)


@pytest.mark.slow
@pytest.mark.figure("closing the pseudo-terminal, 10 times", asked=UNHARMED)
def test_the_dashboard_leaves_within_two_seconds(run, measured):
    slowest = 0.0
    for command in (MAIN, IGNORING) * 5:
        terminal = Terminal([*command, "watch", run.id])
        wait_for(lambda terminal=terminal: terminal.shown > 5000)
        slowest = max(slowest, terminal.hang_up())
    steps = check_unharmed(run)
    measured(f"dashboard gone after <= {slowest:.2f} s, all {count(steps)} steps seen")
    assert slowest <= 2


def test_a_run_without_the_app_goes_on_too(runs_root):
    terminal = Terminal([*MAIN, "run", "--steps", "100000000"])
    run = wait_for(lambda: (run_directory.list_runs(runs_root) or [None])[0])
    wait_for(lambda: loading.load(run).step)
    terminal.hang_up()
    check_unharmed(run)
    wait_for(lambda: not run_directory.locked(run))


class Sshd:
    """An ssh server on the loopback interface, for this user and this test alone."""

    def __init__(self, folder, environment):
        self._folder = folder
        self._sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        for name in ("host", "user"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        shutil.copy(folder / "user.pub", folder / "authorized")
        self.port = _free_port()
        lines = [
            f"ListenAddress 127.0.0.1:{self.port}",
            f"HostKey {folder}/host",
            f"AuthorizedKeysFile {folder}/authorized",
            "StrictModes no",
            "UsePAM no",
            "PermitRootLogin prohibit-password",
            f"PidFile {folder}/pid",
            "SetEnv " + " ".join(f'{key}="{value}"' for key, value in environment.items()),
        ]
        (folder / "config").write_text("\n".join(lines) + "\n")
        self.start()

    def start(self):
        Path("/run/sshd").mkdir(exist_ok=True)
        command = [self._sshd, "-D", "-e", "-f", str(self._folder / "config")]
        with (self._folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log)
        wait_for(lambda: f"Server listening on 127.0.0.1 port {self.port}" in self.log())

    def log(self):
        return (self._folder / "log").read_text()

    def connect(self, command):
        """A client in a terminal, running a command in one over there."""
        options = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "LogLevel=ERROR"]
        given = [part for option in options for part in ("-o", option)]
        key = str(self._folder / "user")
        target = ["-tt", "-i", key, "-F", "none", "-p", str(self.port), "127.0.0.1"]
        return Terminal(["ssh", *given, *target, command])

    def connections(self):
        """Processes of the server that belong to one connection each."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in children.split()]

    def stop(self):
        for child in self.connections():
            os.kill(child, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


def _free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def dashboards(run):
    """Processes whose arguments name the run and `watch`."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"watch" in words and run.id.encode() in words:
            found.append(int(path.name))
    return found


@pytest.mark.slow
@pytest.mark.figure("a real sshd", asked=UNHARMED)
@pytest.mark.parametrize("how", ["client killed", "connection killed", "sshd restarted"])
def test_through_a_real_sshd(run, tmp_path, how, measured):
    if not shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin"):
        pytest.skip("needs openssh-server")
    if os.geteuid() != 0:
        pytest.skip("sshd changes users, which needs root")
    server = Sshd(tmp_path, {"BIGMODEL_RUNS_DIR": run.path.parent, "TERM": "xterm-256color"})
    try:
        words = " ".join(f"'{word}'" for word in [*MAIN, "watch", run.id])
        client = server.connect(f"cd {Path(__file__).parents[1]} && exec {words}")
        wait_for(lambda: client.shown > 5000)
        (dashboard,) = dashboards(run)[-1:]
        began = time.monotonic()
        if how == "client killed":
            client.process.kill()
        elif how == "connection killed":
            for connection in server.connections():
                os.kill(connection, signal.SIGKILL)
        else:
            server.stop()
        wait_for(lambda: dashboard not in dashboards(run))
        seconds = time.monotonic() - began
        if how == "sshd restarted":
            server.start()
        again = server.connect(f"cd {Path(__file__).parents[1]} && exec {words}")
        wait_for(lambda: again.shown > 5000)
        again.process.kill()
        steps = check_unharmed(run)
    finally:
        server.stop()
    measured(f"{how}: gone after {seconds:.2f} s, all {count(steps)} steps seen")
    assert seconds <= 2
