"""What a reader of another program's log takes back of what it reported before."""

from engine.runs.events import Restarted


class Withdrawn(Restarted, frozen=True, kw_only=True, tag="withdrawn"):
    """A part of what was reported is void; unlike other events, this one is in no file.

    What follows is the log read anew, or what a new process logged from an earlier step on.
    """

    after: int
    """The last step that is kept; -1 if none is."""
    metrics: tuple[str, ...] | None = None
    """The metrics that are void; None for all of them."""
    quiet: bool = False
    """Whether the run did not begin again: the log was only read anew."""
