"""When the next picture may be sent: the link to the terminal, and our own time, decide; pure.

A slow connection takes whatever is written to it into buffers of its own, seconds of pictures, and
a key is answered behind all of them. So the terminal is asked where its cursor is behind what was
sent, and while the answer is on its way no more is sent: pictures are skipped, never queued.
"""

import math

QUESTION = "\x1b[6n"
"""Every terminal answers it with the position of its cursor."""
_LOST_SECONDS = 10.0
"""An answer that takes longer will not come."""
_URGENT_BYTES = 3000
"""What is sent for a key although earlier bytes are on their way; more of them would be a queue."""
_START_SECONDS, _START_SHARE = 3.0, 0.5
_MIN_SECONDS, _MAX_SECONDS = 0.1, 2.0
"""Between two of them."""


class Link:
    """What is on its way to the terminal."""

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._answers = False
        """Whether this terminal has ever answered."""
        self._since_question = 0
        """Bytes behind the question."""
        self._quickest = float("inf")
        self._rest_until = 0.0

    def sent(self, size: int, now: float) -> bool:
        """So many bytes are written now; whether to put the question behind them."""
        if self._asked_at is not None and now - self._asked_at < _LOST_SECONDS:
            self._since_question += size
            return False
        self._asked_at, self._since_question = now, 0
        return True

    def answered(self, now: float) -> bool:
        """The answer came; whether to ask once more, for what was sent since."""
        if self._asked_at is None:
            return False
        took, self._asked_at, self._answers = now - self._asked_at, None, True
        self._quickest = min(self._quickest, took)
        # So long the link was busy with what was sent; as long again it is left to keys.
        self._rest_until = now + min(1.0, took - self._quickest)
        if self._since_question:
            self._asked_at, self._since_question = now, 0
            return True
        return False

    def ready(self, now: float, *, urgent: bool = False) -> bool:
        """Whether a picture may be sent; one that is `urgent` is the answer to a key."""
        if not self._answers:
            return True
        if self._asked_at is not None and now - self._asked_at < _LOST_SECONDS:
            return urgent and self._since_question < _URGENT_BYTES
        return urgent or now >= self._rest_until

    @property
    def waits(self) -> bool:
        """Whether an answer is on its way, as far as is known."""
        return self._answers and self._asked_at is not None


class Pace:
    """How often pictures are made of what arrives: making them takes a share of a core's time."""

    def __init__(self, share: float, began: float = -math.inf) -> None:
        """`began` is when the screen was opened: at first there is much to show and little to
        save."""
        self._share = share
        self._began = began
        self._next = 0.0

    def drawn(self, seconds: float, now: float) -> None:
        """A picture was made in so many seconds, until now."""
        share = _START_SHARE if now - self._began < _START_SECONDS else self._share
        self._next = now + min(_MAX_SECONDS, max(_MIN_SECONDS, seconds / share))

    def wait(self, now: float) -> float:
        """Seconds until the next picture is due."""
        return max(0.0, self._next - now)
