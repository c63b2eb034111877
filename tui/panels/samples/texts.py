"""What a language model wrote at each evaluation."""

from collections.abc import Sequence

from rich.text import Text

from engine.runs.events import SampleText
from tui.panels.panel import Panel
from tui.panels.samples.kind import Kind, Place, printable
from tui.runs.state.store import RunState
from tui.text import count


class TextsKind(Kind):
    """The text that a language model wrote last, and the earlier ones under it."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._place = Place()
        self._first = 0
        """The first line that is shown, counted from the beginning of the current text."""

    def of(self, state: RunState) -> bool:
        return bool(state.texts)

    def heading(self, state: RunState) -> Text:
        texts = _newest_first(state)
        step = texts[self._place.at(texts)].step
        words = Text(f"what it writes at step {count(step)}")
        return words.append(self._place.told(texts), style=self.color("plot-ink"))

    def body(self, state: RunState, width: int, height: int) -> Sequence[Text]:
        texts = _newest_first(state)
        lines: list[Text] = []
        for text in texts[self._place.at(texts) :]:
            if len(lines) < self._first + height:
                lines += self._lines(text, width)
        return lines[self._first : self._first + height]

    def move(self, state: RunState, by: int) -> None:
        """Make the next text the current one after scrolling past an end."""
        texts = _newest_first(state)
        width, at = self.panel.size.width, self._place.at(texts)
        self._first += by
        while self._first < 0 and at > 0:
            at -= 1
            self._first += len(self._lines(texts[at], width))
        while self._first >= (long := len(self._lines(texts[at], width))):
            if at + 1 == len(texts):
                self._first = long - 1
                break
            self._first -= long
            at += 1
        self._first = max(0, self._first)
        self._place.stay(texts, at, always=bool(self._first))

    def turn(self, state: RunState, by: int) -> None:
        self._place.turn(_newest_first(state), by)
        self._first = 0

    def _lines(self, event: SampleText, width: int) -> list[Text]:
        lines = [Text(f" step {event.step}", style=f"bold {self.color('accent')}")]
        text = Text(printable(event.prompt), style=self.color("plot-ink"))
        text.append(printable(event.text), style=self.color("foreground"))
        wrapped = text.wrap(self.panel.app.console, max(8, width - 2))
        return [*lines, *(Text(" ").append(line) for line in wrapped), Text()]


def _newest_first(state: RunState) -> list[SampleText]:
    return list(reversed(state.texts))
