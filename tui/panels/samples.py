"""The model's answers to single samples: pictures or words with predictions, or its own text."""

from collections.abc import Sequence

from rich.text import Text

from engine.runs.events import Prediction, SampleText
from tui.panels.keys import MOVE, Key, bindings, together
from tui.panels.panel import Panel
from tui.plots import heat
from tui.plots.lanes import View
from tui.text import clean, count

_GAP = 2
_LEAST_WIDTH = 14
"""Least width of a picture, in cells, so that its verdict fits."""


class SamplesPanel(Panel):
    """A panel of the newest evaluation's predictions, or of the texts of a language model."""

    HEADING = "Samples"
    KEYS = (
        *MOVE,
        together(
            Key("pagedown", "turn(1)", "Earlier", "go to the text written before"),
            Key("pageup", "turn(-1)", "Later", "go to the text written after"),
            Key("home", "turn(-1000000)", "Newest"),
            Key("end", "turn(1000000)", "Oldest"),
            does="on texts: go to the one written before; Page Up to the one after",
            shown="Page Down",
        ),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._first = 0
        """The first line that is shown, counted from the beginning of the current text."""
        self._step: int | None = None
        """The step of the text that is shown; None for the newest one."""

    def action_move(self, by: int) -> None:
        """Show other lines."""
        self._first += by
        if texts := self._texts():
            self._rest(texts)
        self._redraw()

    def action_turn(self, by: int) -> None:
        """Go to an earlier or later text; without texts, scroll by the height of the panel."""
        texts = self._texts()
        if texts:
            at = max(0, min(len(texts) - 1, self._at(texts) + by))
            self._step, self._first = (texts[at].step if at else None), 0
        else:
            self._first += by * max(1, self.size.height - 2)
        self._redraw()

    def _texts(self) -> list[SampleText]:
        """What a language model wrote, newest first."""
        return list(reversed(self._view.focus.state.texts)) if self._view is not None else []

    def _at(self, texts: Sequence[SampleText]) -> int:
        steps = [text.step for text in texts]
        return steps.index(self._step) if self._step in steps else 0

    def heading(self, view: View) -> Text:
        state = view.focus.state
        if texts := self._texts():
            at = self._at(texts)
            words = Text(f"what it writes at step {count(texts[at].step)}")
            if len(texts) > 1:
                place = f", {at + 1} of {len(texts)}, Page Down for earlier ones"
                words.append(place, style=self.color("plot-ink"))
            return words
        if state.predictions is None:
            return Text()
        right = sum(sample.correct for sample in state.predictions.samples)
        where = "test set" if state.predictions.split == "test" else "validation"
        return Text(f"{where}, step {state.predictions.step}: {right} of these are right")

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        state = view.focus.state
        if state.texts:
            return self._written(self._texts(), width, height)
        if state.predictions is not None:
            lines = self._predictions(state.predictions.samples, width)
        else:
            waits = state.active
            return [Text(" come with the first evaluation" if waits else " none were recorded")]
        self._first = max(0, min(self._first, len(lines) - height))
        return lines[self._first : self._first + height]

    def _written(self, texts: Sequence[SampleText], width: int, height: int) -> list[Text]:
        """The current text, and earlier ones under it."""
        lines: list[Text] = []
        for text in texts[self._at(texts) :]:
            if len(lines) < self._first + height:
                lines += self._text(text, width)
        return lines[self._first : self._first + height]

    def _rest(self, texts: Sequence[SampleText]) -> None:
        """Make the next text the current one after scrolling past an end."""
        at = self._at(texts)
        while self._first < 0 and at > 0:
            at -= 1
            self._first += len(self._text(texts[at], self.size.width))
        while self._first >= (long := len(self._text(texts[at], self.size.width))):
            if at + 1 == len(texts):
                self._first = long - 1
                break
            self._first -= long
            at += 1
        self._first = max(0, self._first)
        self._step = texts[at].step if at or self._first else None

    def _text(self, event: SampleText, width: int) -> list[Text]:
        lines = [Text(f" step {event.step}", style=f"bold {self.color('accent')}")]
        text = Text(_printable(event.prompt), style=self.color("plot-ink"))
        text.append(_printable(event.text), style=self.color("foreground"))
        wrapped = text.wrap(self.app.console, max(8, width - 2))
        return [*lines, *(Text(" ").append(line) for line in wrapped), Text()]

    def _predictions(self, samples: Sequence[Prediction], width: int) -> list[Text]:
        if not samples or not all(sample.pixels for sample in samples):
            return [line for sample in samples for line in self._words(sample, width)]
        pictures = [self._picture(sample) for sample in samples]
        columns = max(line.cell_len for lines in pictures for line in lines) + _GAP
        each = max(1, width // columns)
        lines = []
        for first in range(0, len(pictures), each):
            row = pictures[first : first + each]
            for height in range(max(map(len, row))):
                line = Text(" ")
                for picture in row:
                    part = picture[height].copy() if height < len(picture) else Text()
                    part.pad_right(columns - part.cell_len)
                    line.append(part)
                line.truncate(width)
                lines.append(line)
            lines.append(Text())
        return lines

    def _verdict(self, sample: Prediction) -> Text:
        """Right or wrong, also in words, for people who see no colours."""
        mark = "ok " if sample.correct else "NO "
        color = self.color("success" if sample.correct else "error")
        text = Text(mark, style=f"bold {color}").append(clean(sample.predicted, 20), style=color)
        if sample.confidence is not None:
            text.append(f" {sample.confidence:.0%}", style=self.color("plot-ink"))
        if not sample.correct:
            text.append(f" is {clean(sample.expected, 20)}")
        return text

    def _words(self, sample: Prediction, width: int) -> list[Text]:
        line = Text(" ").append(self._verdict(sample)).append("  ")
        line.append(clean(sample.text or "", 200), style=self.color("plot-ink"))
        line.truncate(width, overflow="ellipsis")
        return [line]

    def _picture(self, sample: Prediction) -> list[Text]:
        """Two rows of pixels in a line, as half blocks; without colours a character for both."""
        rows = sample.pixels
        lines = []
        for top in range(0, len(rows), 2):
            upper = rows[top]
            lower = rows[top + 1] if top + 1 < len(rows) else [0] * len(upper)
            line = Text()
            for above, below in zip(upper, lower, strict=False):
                if self.plain or self.colorless:
                    line.append(heat.grey_letter((above + below) / 510))
                else:
                    line.append("▀", style=f"{heat.grey(above)} on {heat.grey(below)}")
            lines.append(line)
        verdict = self._verdict(sample)
        verdict.truncate(max(len(rows[0]) if rows else 0, _LEAST_WIDTH), overflow="ellipsis")
        return [*lines, verdict]


def _printable(text: str) -> str:
    """The text with everything unprintable made visible, but with its line ends."""
    return "\n".join(clean(line) for line in text.split("\n"))
