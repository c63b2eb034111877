"""Decides when the next frame may be sent, by the link to the terminal and our own time; pure.

A slow connection buffers seconds of frames, and the answer to a key would wait behind all of them.
So each frame is followed by the question where the cursor is. Until the terminal answers, no more
is sent: frames are skipped, never queued.
"""

import math

QUESTION = "\x1b[6n"
"""Asks for the position of the cursor; every terminal answers."""
_LOST_SECONDS = 1.0
"""After this time an answer is taken to be lost, whatever the link: keys wait no longer."""
_LOST_FACTOR = 4.0
"""The same after so many times the slowest answer."""
LEAST_LOST_SECONDS = 0.1
"""No answer is taken to be lost before: a quick terminal may be busy for a moment."""
_ASK_AGAIN_SECONDS = 10.0
"""Seconds between two questions to a terminal that never answered."""
_URGENT_BYTES = 3000
"""How many bytes may be sent for keys while an answer is on its way."""
_START_SECONDS, _START_SHARE = 3.0, 0.5
_MIN_SECONDS, _MAX_SECONDS = 0.1, 2.0
"""Limits of the time between two frames that no key asked for."""


class Link:
    """The connection to the terminal: whether what was sent has arrived."""

    def __init__(self) -> None:
        self._asked_at: float | None = None
        self._answers = False
        """Whether this terminal has ever answered."""
        self._since_question = 0
        """Bytes sent after the question."""
        self._quickest = float("inf")
        self._slowest = 0.0
        self._rest_until = 0.0

    def sent(self, size: int, now: float) -> bool:
        """Note that `size` bytes are written now; returns whether to send the question too."""
        if self._on_its_way(now):
            self._since_question += size
            return False
        self._asked_at, self._since_question = now, 0
        return True

    def answered(self, now: float) -> bool:
        """Note that the answer came; returns whether to ask again, for what was sent since."""
        if self._asked_at is None:
            return False
        took, self._asked_at, self._answers = now - self._asked_at, None, True
        self._quickest = min(self._quickest, took)
        self._slowest = max(self._slowest, took)
        # As long as the link was busy with the frame, it is now left to keys.
        self._rest_until = now + min(1.0, took - self._quickest)
        if self._since_question:
            self._asked_at, self._since_question = now, 0
            return True
        return False

    def ready(self, now: float, *, urgent: bool = False) -> bool:
        """Whether a frame may be sent; an `urgent` one is the answer to a key."""
        if not self._answers:
            return True
        if self._on_its_way(now):
            return urgent and self._since_question < _URGENT_BYTES
        return urgent or now >= self._rest_until

    def _on_its_way(self, now: float) -> bool:
        """Whether a question was asked whose answer is not taken to be lost."""
        if self._asked_at is None:
            return False
        limit = _ASK_AGAIN_SECONDS
        if self._answers:
            limit = min(_LOST_SECONDS, max(LEAST_LOST_SECONDS, _LOST_FACTOR * self._slowest))
        return now - self._asked_at < limit

    @property
    def waits(self) -> bool:
        """Whether an answer is taken to be on its way."""
        return self._answers and self._asked_at is not None


class Pace:
    """A limit on how often frames are drawn, so that drawing takes a share of a core's time."""

    def __init__(self, share: float, began: float = -math.inf) -> None:
        """`share` of a core's time; more of it just after `began`, when the screen was opened."""
        self._share = share
        self._began = began
        self._next = 0.0

    def drawn(self, seconds: float, now: float) -> None:
        """Note that a frame took so many seconds to draw, until now."""
        share = _START_SHARE if now - self._began < _START_SECONDS else self._share
        self._next = now + min(_MAX_SECONDS, max(_MIN_SECONDS, seconds / share))

    def wait(self, now: float) -> float:
        """Seconds until the next frame is due."""
        return max(0.0, self._next - now)
