"""How a loop ended, and closing a run that nobody closed."""

import atexit
import os
import sys
import weakref
from typing import TYPE_CHECKING, Literal

from bigmodel_tui import _values

if TYPE_CHECKING:
    from bigmodel_tui._run import Run


def ending(error: BaseException) -> tuple[Literal["done", "stopped", "failed"], str]:
    """How a loop ended that raised this error: a status, and the reason in one line."""
    if isinstance(error, KeyboardInterrupt):
        return "stopped", "KeyboardInterrupt"
    if isinstance(error, SystemExit) and not error.code:
        return "done", "the program ended"
    words = _values.text(error, 400)
    return "failed", f"{type(error).__name__}: {words}" if words else type(error).__name__


def ends_with_the_program(run: "Run") -> None:
    """Close the run at the program's end, if nobody did, and keep forked processes out of it."""
    known = weakref.ref(run)

    def at_exit() -> None:
        if (found := known()) is not None:
            error = getattr(sys, "last_value", None)
            found.close(*(ending(error) if error is not None else ("done", "the program ended")))

    def in_child() -> None:
        if (found := known()) is not None:
            found._leave_to_parent()

    atexit.register(at_exit)
    os.register_at_fork(after_in_child=in_child)
