"""What the model makes of single samples: pictures or words with predictions, or its own text."""

from collections.abc import Sequence

from rich.text import Text
from textual.binding import Binding

from engine.events import Prediction, SampleText
from tui import heat
from tui.lanes import View
from tui.panels.panel import Panel
from tui.text import clean

_GAP = 2
_LEAST_WIDTH = 14
"""Of a picture: room for its verdict."""


class SamplesPanel(Panel):
    """Predictions of the newest evaluation; of a language model, what it writes."""

    HEADING = "Samples"
    BINDINGS = [
        Binding("down,j", "scroll_by(1)", "Down", show=False),
        Binding("up,k", "scroll_by(-1)", "Up", show=False),
        Binding("pagedown", "scroll_by(10)", show=False),
        Binding("pageup", "scroll_by(-10)", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._first = 0

    def action_scroll_by(self, by: int) -> None:
        """Show other lines."""
        self._first = max(0, self._first + by)
        self._redraw()

    def heading(self, view: View) -> Text:
        state = view.focus.state
        if state.texts:
            return Text(f"what it writes at step {state.texts[-1].step}, and before")
        if state.predictions is None:
            return Text()
        right = sum(sample.correct for sample in state.predictions.samples)
        where = "test set" if state.predictions.split == "test" else "validation"
        return Text(f"{where}, step {state.predictions.step}: {right} of these are right")

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        state = view.focus.state
        if state.texts:
            lines = [line for text in reversed(state.texts) for line in self._text(text, width)]
        elif state.predictions is not None:
            lines = self._predictions(state.predictions.samples, width)
        else:
            waits = state.active
            return [Text(" come with the first evaluation" if waits else " none were recorded")]
        self._first = max(0, min(self._first, len(lines) - height))
        return lines[self._first : self._first + height]

    def _text(self, event: SampleText, width: int) -> list[Text]:
        lines = [Text(f" step {event.step}", style=f"bold {self.color('accent')}")]
        text = Text(_printable(event.prompt), style=self.color("plot-ink"))
        text.append(_printable(event.text), style=self.color("foreground"))
        wrapped = text.wrap(self.app.console, max(8, width - 2))
        return [*lines, *(Text(" ").append(line) for line in wrapped), Text()]

    def _predictions(self, samples: Sequence[Prediction], width: int) -> list[Text]:
        if not all(sample.pixels for sample in samples):
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
        """Right or wrong, in words too, for whoever sees no colours."""
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
                    level = (above + below) / 510 * (len(heat.GREYS) - 1)
                    line.append(heat.GREYS[round(max(0.0, min(level, len(heat.GREYS) - 1.0)))])
                else:
                    line.append("▀", style=f"{heat.grey(above)} on {heat.grey(below)}")
            lines.append(line)
        verdict = self._verdict(sample)
        verdict.truncate(max(len(rows[0]) if rows else 0, _LEAST_WIDTH), overflow="ellipsis")
        return [*lines, verdict]


def _printable(text: str) -> str:
    """Line ends stay; everything else that is not printed becomes visible."""
    return "\n".join(clean(line) for line in text.split("\n"))
