"""Tell of alerts beyond the screen: a bell, a desktop notification, a command of the user's."""

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from engine.runs import lenient_json
from presets.userconfig import Alerts
from tui.runs.alerts.alerts import Alert
from tui.text import clean

MAX_WAITING = 32
"""Maximum number of alerts whose command has not run yet; more are dropped with a message."""
BELL = "\a"


def sequences(alert: Alert, name: str, config: Alerts, environment: Mapping[str, str]) -> str:
    """The control sequences to write to the terminal; "" for none."""
    text = ""
    if config.notify:
        # OSC 9, which iTerm2, WezTerm, kitty, Ghostty, foot and Windows Terminal know; others
        # ignore it. A text that began with a digit and `;` would mean something else to some.
        said = clean(f"bigmodel-tui: {name}: {alert.text}", 200)
        osc = f"\x1b]9;{said}\x1b\\"
        if environment.get("TMUX"):  # passes it on where `allow-passthrough` is on
            osc = "\x1bPtmux;" + osc.replace("\x1b", "\x1b\x1b") + "\x1b\\"
        text += osc
    return text + BELL * config.bell


class Commands(threading.Thread):
    """A thread that runs the user's command for one alert after another."""

    def __init__(self, config: Alerts, complain: Callable[[str], None]) -> None:
        """`complain` is called with one line, in this thread, for each failure."""
        super().__init__(name="alert commands", daemon=True)
        self._config = config
        self._complain = complain
        self._waiting: queue.Queue[tuple[Alert, str, str] | None] = queue.Queue(MAX_WAITING)

    def add(self, alert: Alert, name: str, folder: str) -> None:
        """Run the command for this alert, soon."""
        if not self._config.command:
            return
        if not self.is_alive():
            self.start()
        try:
            self._waiting.put_nowait((alert, name, folder))
        except queue.Full:
            self._complain(f"{MAX_WAITING} commands wait already; none is run for {alert.kind}")

    def finish(self) -> None:
        """Wait until all commands have run, each within its time limit."""
        if self.is_alive():
            self._waiting.put(None)
            self.join()

    def run(self) -> None:
        """The thread's work."""
        while (item := self._waiting.get()) is not None:
            if trouble := run_command(self._config, *item):
                self._complain(f"alerts.command: {trouble}")


def run_command(config: Alerts, alert: Alert, name: str, folder: str) -> str:
    """Run the user's command for an alert; returns what went wrong, in one line, or "".

    The words of the command are what the user wrote. What comes from the run is in the environment
    and, as a JSON object, on standard input; it never becomes part of a command line.
    """
    facts = {
        "alert": alert.kind,
        "run": alert.run,
        "name": clean(name, 200),
        "step": alert.step,
        "text": clean(alert.text, 500),
        "folder": clean(folder, 4000),
    }
    names = {"BIGMODEL_ALERT" + f"_{key.upper()}" * (key != "alert"): key for key in facts}
    try:
        process = subprocess.Popen(
            config.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ | {name: str(facts[key]) for name, key in names.items()},
            start_new_session=True,  # it outlives the terminal, and is ended with its children
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return clean(f"{config.command[0]}: cannot be run ({why})")
    try:
        _, said = process.communicate(lenient_json.encode(facts), config.command_seconds)
    except subprocess.TimeoutExpired:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return clean(f"{config.command[0]}: ended after {config.command_seconds:g} s")
    if process.returncode == 0:
        return ""
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return clean(f"{config.command[0]}: status {process.returncode} {lines[-1] if lines else ''}")
