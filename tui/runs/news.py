"""What is new of a run, as a reader of its log hands it over."""

from dataclasses import dataclass

from engine.runs.events import AnyEvent
from engine.runs.run_directory import Status
from tui.runs.cache.column_cache import Kept
from tui.runs.run import Run


@dataclass(frozen=True)
class News:
    """What is new of one run; complete and immutable, so that a thread may hand it over."""

    run: Run
    events: tuple[AnyEvent, ...]
    status: Status
    damaged: int
    """Damaged lines of the log so far."""
    detail: str = ""
    """What there is to say about the status, in one line; "" if it says it all."""
    more: bool = False
    """Whether there is more to read at once, even if no events came of this piece."""
    earlier: bool = False
    """Whether it stood in another program's log before that was opened; what is known of events of
    ours is their time."""
    kept: Kept | None = None
    """What a cache holds of the run from before these events; it belongs to who gets it."""
    keep: tuple[int, int] | None = None
    """Bytes of the log that were read and unknown events in them, if a cache should hold them."""
