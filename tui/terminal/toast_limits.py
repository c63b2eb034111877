"""Which toasts may be on the screen together, so that they neither pile up nor hide much; pure."""

from collections.abc import Sequence

from textual.notifications import Notification

from tui.text import cut

NARROW_COLUMNS, LOW_LINES = 120, 30
"""Width and height below which a toast is one line over the footer."""
MOST = 3
"""Maximum number of toasts on a large terminal."""


def outdated(shown: Sequence[Notification], message: str, *, small: bool) -> list[Notification]:
    """Those of the toasts that are shown, oldest first, which go when another one comes."""
    same = [toast for toast in shown if toast.message == message]
    others = [toast for toast in shown if toast.message != message]
    return same + others[: max(0, len(others) - (0 if small else MOST - 1))]


def short(message: str, width: int, severity: str) -> str:
    """The message in one line of at most `width` cells; in three if it says what went wrong, which
    nothing else does."""
    lines = 3 if severity == "error" else 1
    return cut(" ".join(message.split()), width * lines - (lines > 1) * 12)
