"""Decides when a screen is drawn: at once for a key, else as often as the link and time allow."""

import time
from collections.abc import Callable

from textual.screen import Screen
from textual.timer import Timer

from tui.terminal.frame_timing import Pace
from tui.terminal.frugal_app import FrugalApp

SHARE, SHARE_OF_FIGURES = 0.02, 0.02
"""Shares of a core's time, for frames and for figures that no key asked for."""
POLL_SECONDS = 0.02
"""How often the link to the terminal is polled while it is busy."""


class Painter:
    """A scheduler of drawing: of everything that is stale, or of the figures alone, which is cheap.

    A key is answered with figures and lists at once; the curves follow when the terminal has
    received those, which on a slow link may take a while.
    """

    def __init__(
        self, screen: Screen[None], draw: Callable[[], None], draw_figures: Callable[[], None]
    ) -> None:
        self._screen = screen
        self._draw, self._draw_figures = draw, draw_figures
        now = time.monotonic()
        self._pace, self._pace_of_figures = Pace(SHARE, now), Pace(SHARE_OF_FIGURES, now)
        self._timer: Timer | None = None
        self._hurry = False
        """Whether a key waits for a complete frame."""
        self.stale = False
        """Whether something changed since the last complete frame."""

    def soon(self, *, urgent: bool = False) -> None:
        """Note that something changed, with `urgent` by a key, and draw as soon as may be."""
        self.stale = True
        if urgent:
            self._hurry = True
            if self._ready(urgent=True):
                _timed(self._draw_figures, self._pace_of_figures)
                self._screen.call_after_refresh(self.late)
                return
        now = time.monotonic()
        late = 0.0 if self._hurry else self._pace.wait(now)
        early = self._pace_of_figures.wait(now)
        if not self._ready():
            late = early = max(POLL_SECONDS, late)
        elif not late:
            self.now()
            return
        elif not early:
            _timed(self._draw_figures, self._pace_of_figures)
            early = late
        if self._timer is None:
            self._timer = self._screen.set_timer(max(POLL_SECONDS, min(late, early)), self.late)

    def now(self) -> None:
        """Draw a complete frame."""
        self.stale = self._hurry = False
        _timed(self._draw, self._pace)

    def late(self) -> None:
        """Draw what could not be drawn at once."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self.stale:
            self.soon()

    def _ready(self, *, urgent: bool = False) -> bool:
        app = self._screen.app
        return not isinstance(app, FrugalApp) or app.ready(urgent=urgent)


def _timed(draw: Callable[[], None], pace: Pace) -> None:
    began = time.thread_time()
    draw()
    # Bringing it to the screen takes as long again.
    pace.drawn(2 * (time.thread_time() - began), time.monotonic())
