"""What a person asks of a loop, obeyed in the loop's own thread."""

import threading
from collections.abc import Callable
from typing import Any

from bigmodel_tui import _values
from bigmodel_tui._recorder_channel import Wire

RESERVED = ("stop", "pause", "resume")
"""Commands that need no function."""
MAX_FUNCTIONS = 50
_WAIT_SECONDS = 0.1
"""How often a paused loop asks whether it is to stop."""

Function = Callable[..., Any]


class Commands:
    """The functions that a loop registered, and the commands that wait for it."""

    def __init__(self, wire: Wire, *, pauses: bool) -> None:
        """`pauses` is whether the loop can wait: one of several processes cannot alone."""
        self._wire = wire
        self._functions: dict[str, Function] = {}
        self._built_in = ["stop", "pause"] if pauses else ["stop"]
        self._paused = self._busy = False
        self._thread: int | None = None
        """The loop's thread: the one that asked first."""

    @property
    def accepted(self) -> list[str]:
        """The names of what the loop accepts."""
        return [*self._built_in, *self._functions]

    def never_pause(self) -> None:
        """The loop turns out to be one of several processes."""
        self._built_in = ["stop"]
        self._wire.send({"kind": "accepts", "names": self.accepted})

    def register(self, name: str, function: Function) -> str:
        """Call `function` for commands of this name; returns what is wrong with it, or ""."""
        if not isinstance(name, str) or not name or name != _values.text(name, 60):
            return f"on: expected a name of one line and 1 to 60 characters, got {name!r:.80}"
        if name in RESERVED:
            return f"on: {name} needs no function"
        if not callable(function):
            return f"on: {name}: expected a function, got {type(function).__name__}"
        if len(self._functions) >= MAX_FUNCTIONS:
            return f"on: more than {MAX_FUNCTIONS} names; {name} is not accepted"
        self._functions[name] = function
        self._wire.send({"kind": "accepts", "names": self.accepted})
        return ""

    def waiting(self) -> bool:
        """Whether there is something to obey in this thread."""
        if self._thread is None:
            self._thread = threading.get_ident()
        return not (self._wire.asked.empty() or self._busy or self._thread != threading.get_ident())

    def obey(self) -> None:
        """Obey what waits; as long as the run is paused, wait for more.

        A function that logs something does not obey the next command inside of this one.
        """
        self._busy = True
        try:
            while (asked := self._wire.next_asked(self._paused, _WAIT_SECONDS)) or self._paused:
                if asked:
                    self._obey(**asked)
                if self._paused and (self._wire.stop_asked or not self._wire.alive):
                    self._pause(False, "stop command")
        finally:
            self._busy = False

    def _obey(self, *, id: str, command: str, calls: dict[str, Any]) -> None:
        try:
            done = self._call(command, calls)
            outcome, reason = "applied", done
        except Exception as error:
            what = (
                error.args[0]
                if type(error) is _RefusedError
                else f"{type(error).__name__}: {error}"
            )
            outcome, reason = "rejected", str(what)
        words = _values.text(reason, 400)
        self._wire.send({"kind": "answer", "id": id, "outcome": outcome, "reason": words})

    def _call(self, command: str, calls: dict[str, Any]) -> str:
        """Returns what changed, in words."""
        if command in ("pause", "resume"):
            if self._paused == (command == "pause"):
                how = "paused already" if self._paused else "not paused"
                raise _RefusedError(f"the run is {how}")
            self._pause(command == "pause", "command")
            return ""
        said = []
        for name, value in calls.items():
            function = self._functions[name]
            words = function() if value is None else function(value)
            said += [words] if isinstance(words, str) else []
        return ", ".join(said)

    def _pause(self, paused: bool, reason: str) -> None:
        self._paused = paused
        state = "paused" if paused else "running"
        self._wire.send({"kind": "state", "state": state, "reason": reason})


class _RefusedError(Exception):
    """A command that makes no sense now; says why."""
