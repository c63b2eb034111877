"""Training without the app: starts an engine, and prints how it goes and how it ends."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from engine.config.configure import Plan
from engine.runs import control, run_directory, start_process
from engine.runs.events import AnyEvent
from engine.runs.run_directory import NOT_SAVED, RunDir
from engine.runs.safe_file_access import open_regular
from engine.runs.signs_of_life import health
from presets import UserError
from presets.schema import RunConfig
from presets.userconfig import Alerts
from tui.commands import logout
from tui.commands.errors import INTERRUPTED, say
from tui.commands.reporters import SUCCESS, Bar, JsonLines, Lines, Reporter
from tui.runs import loading
from tui.runs.alerts import notify
from tui.runs.alerts.alerts import Alert
from tui.runs.alerts.open_alerts import OpenAlerts
from tui.runs.follower import Follower
from tui.runs.run import own
from tui.runs.state.store import RunState
from tui.text import clean

POLL_SECONDS = 0.1
ENDED_WELL = NOT_SAVED | {*SUCCESS}
REFUSED = 2
"""Exit status of an engine that refused to start."""
_LAST_BYTES = 8192
"""How much of the end of the engine's output is searched for its last line."""
EXIT_SECONDS = 10.0
"""How long an engine whose run has ended may take to exit."""


def detach(
    run: RunDir, config: RunConfig, plan: Plan, *, as_json: bool, resume: bool = False
) -> None:
    """Start `run` in an engine process, print its id, and return."""
    logout.warn()
    start_process.start([run], resume=resume)
    if as_json:
        JsonLines().started(run, config, plan)
    else:
        click.echo(clean(run.id))


class _Telling:
    """The link from a run's events to a reporter and to the user's command for alerts."""

    def __init__(self, reporter: Reporter, config: Alerts) -> None:
        self._reporter = reporter
        self._book = OpenAlerts(config, time.time(), settled_seconds=0)
        self._commands = notify.Commands(config, say)

    def take(self, state: RunState, events: tuple[AnyEvent, ...] = ()) -> None:
        """Report events that were just applied to the run."""
        self._reporter.progress(state, events)
        for alert in self.alerts(state, events):
            if alert.kind != "finished":  # the end is reported anyway
                self._reporter.alert(alert)
            name = state.given_name or state.id
            self._commands.add(alert, name, str(state.run.path.absolute()))

    def alerts(self, state: RunState, events: tuple[AnyEvent, ...]) -> list[Alert]:
        """The alerts that these events raise; reports none of them."""
        return self._book.check(state, events, time.time())

    def finish(self) -> None:
        """Wait for the commands of alerts to end."""
        self._commands.finish()


def train(
    run: RunDir,
    config: RunConfig,
    plan: Plan,
    *,
    as_json: bool,
    resume: bool = False,
    alerts: Alerts | None = None,
) -> int:
    """Train `run` in an engine process until it ends; returns the exit status.

    With `resume` the run goes on where it ended, and only what is new is reported. The first Ctrl-C
    stops the run, the second leaves it running. The engine is never killed here, nor does it end
    with this process or its terminal.
    """
    logout.warn()
    reporter = JsonLines() if as_json else Bar() if sys.stdout.isatty() else Lines()
    follower, state = Follower(run), loading.open_state(run)
    telling = _Telling(reporter, alerts or Alerts())
    while resume and (news := follower.poll()):  # old news is not reported again
        loading.apply(state, news)
        telling.alerts(state, news.events)
    with _interrupts() as interrupts:
        reporter.started(run, config, plan)
        engine = start_process.start([run], resume=True) if resume else start_process.start([run])
        state.ended = None
        if not _watch(state, follower, engine, telling, interrupts):
            again = f"bigmodel-tui watch {run_directory.address(run)}"
            say(f"the run goes on; `{again}` returns to it")
            return INTERRUPTED
    reason = _settle(state, engine)
    telling.take(state)  # an engine that died reported nothing
    telling.finish()
    reporter.ended(state, reason)
    if state.status in SUCCESS:
        return 0
    say(f"run {state.status}: {reason}; see {run.engine_log_path}")
    return 1


@contextmanager
def _interrupts() -> Iterator[list[float]]:
    """Collects the times of Ctrl-C instead of raising, which could cut an event in two."""
    seen: list[float] = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(time.monotonic()))
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def _watch(
    state: RunState,
    follower: Follower,
    engine: subprocess.Popen[bytes],
    telling: _Telling,
    interrupts: list[float],
) -> bool:
    """Report until the engine is gone or its run has ended; False if told to leave it running."""
    told = 0
    while True:
        gone = engine.poll() is not None  # before reading, so that nothing after it is missed
        while news := follower.poll(at_once=gone):
            loading.apply(state, news)
            telling.take(state, news.events)
        if gone or state.ended is not None:
            return True
        if len(interrupts) > 1:
            return False
        if interrupts and not told:
            told = 1
            say("stopping after the current step; Ctrl-C again leaves the run running")
            _send_stop(own(state.run))
        time.sleep(POLL_SECONDS)


def _send_stop(run: RunDir) -> None:
    try:
        control.send(run, "stop")
    except UserError as error:
        say(str(error))


def _settle(state: RunState, engine: subprocess.Popen[bytes]) -> str:
    """Wait for the engine's exit; returns why the run ended, in one line, also after a crash."""
    try:
        status = engine.wait(timeout=EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        return state.outcome()
    if state.ended is not None:
        return state.outcome()
    run = own(state.run)
    if status == REFUSED:
        state.status = "failed"
        return f"the engine did not begin: {last_line(run)}"
    if state.status in ENDED_WELL:  # on a full disk the log may lack its end
        return state.detail
    state.status = "crashed" if state.started else "failed"
    seen = health.read_exit(run, run_directory.holder(run))
    if seen is not None and seen.signal is not None:
        return f"the engine was {seen}, after step {state.step}"
    how = f"status {status}" if seen is None else f"status {seen.code}"
    return f"the engine ended without saying why ({how}): {last_line(run)}"


def last_line(run: RunDir) -> str:
    """The last line that the engine printed; a traceback's last line names the error."""
    try:
        with open_regular(run.engine_log_path) as file:
            file.seek(max(0, file.seek(0, 2) - _LAST_BYTES))
            text = file.read().decode("utf-8", "replace").strip()
    except OSError:
        text = ""
    return clean(text.splitlines()[-1], 200) if text else "it printed nothing"
