"""An app that sends its terminal only the cells that changed, and knows when they arrived."""

import asyncio
import time
from collections.abc import Callable, Iterator

from rich.color import ColorSystem
from rich.console import RenderableType
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.events import CursorPosition, Resize
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from tui.terminal.delta import Delta, Piece
from tui.terminal.frame_timing import QUESTION, Link

_LONG = 512
"""Bytes above which an update is sent as one synchronized frame."""

LAST_ANSWER_SECONDS = 1.0
"""How long the exit waits for an answer of the terminal that is still on its way."""


class FrugalApp(App[None]):
    """An app that sends its terminal only the cells that changed.

    The two kinds of update that it takes apart are private to Textual; any other is sent as it is.
    """

    _delta: Delta | None = None

    def __init__(self) -> None:
        super().__init__()
        self._link = Link()
        self._waiting: list[Callable[[], object]] | None = []
        """What waits for the first picture; None once that was sent."""

    def when_painted(self, callback: Callable[[], object]) -> None:
        """Call back once the first picture was sent, at once if it was: what loads much or starts a
        thread would delay it."""
        if self._waiting is None:
            callback()
        else:
            self._waiting.append(callback)

    def _painted(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        for callback in waiting:
            self.call_later(callback)

    def ready(self, *, urgent: bool = False) -> bool:
        """Whether the terminal has received what it was sent, so that a new frame makes sense; an
        `urgent` frame, the answer to a key, need not wait for all of it."""
        return self._link.ready(time.monotonic(), urgent=urgent)

    async def _post_message(self, message: Message) -> bool:
        """Take the terminal's answers at once instead of behind other messages."""
        if not isinstance(message, CursorPosition):
            return await super()._post_message(message)
        if self._link.answered(time.monotonic()) and self._driver is not None:
            self._driver.write(QUESTION)
        return True

    async def _on_exit_app(self) -> None:
        """Wait for the last answer, which would else be typed into the shell."""
        deadline = time.monotonic() + LAST_ANSWER_SECONDS
        while self._link.waits and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    def repaint(self) -> None:
        """Send the whole screen again, after something else wrote to the terminal."""
        self._delta = None
        self.refresh(layout=True)

    async def _on_resize(self, event: Resize) -> None:
        """Forget what the terminal shows. Textual calls the handlers of all base classes itself."""
        self._delta = None  # terminals move their content in different ways

    def _resume_signal(self) -> None:
        self._delta = None
        super()._resume_signal()

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if not isinstance(renderable, ChopsUpdate | LayoutUpdate):
            self._delta = None
            super()._display(screen, renderable)
            return
        driver = self._driver
        try:
            if self._batch_count or not self._running or self._closed or driver is None:
                return
            if self.is_headless or driver.is_inline:
                super()._display(screen, renderable)
                self._painted()
                return
            if text := self._sequences(renderable):
                if self._sync_available and len(text) > _LONG:
                    text = f"\x1b[?2026h{text}\x1b[?2026l"
                if self._link.sent(len(text.encode()), time.monotonic()):
                    text += QUESTION
                driver.write(text)
                driver.flush()
                self._painted()
        finally:
            self.post_display_hook()

    def _sequences(self, update: ChopsUpdate | LayoutUpdate) -> str:
        if self._delta is None:
            self._delta = Delta(self.console._color_system or ColorSystem.TRUECOLOR)
            self._delta.forget(*self.size)
        text = self._delta.update(_pieces(update))
        if text and isinstance(self.focused, Input):
            # An input method opens its window at the cursor.
            x, y = self.screen.outer_size.clamp_offset(self.cursor_position)
            text += f"\x1b[{y + 1};{x + 1}H"
        return text


def _pieces(update: ChopsUpdate | LayoutUpdate) -> Iterator[Piece]:
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield y, x, strip
                x += strip.cell_length
        return
    for y, first, last in update.spans:
        for (x, chop), end in zip(update.chops[y].items(), update.chop_ends[y], strict=False):
            if chop is None or x >= last or end <= first:
                continue
            left, right = max(x, first), min(end, last)
            yield y, left, chop.crop(left - x, right - x)
