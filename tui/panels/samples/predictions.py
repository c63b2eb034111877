"""Predictions for single samples: pictures, or a line of words each."""

from collections.abc import Sequence

from rich.text import Text

from engine.runs.events import Prediction
from tui.panels.panel import Panel
from tui.panels.samples.kind import Kind
from tui.plots import heat
from tui.runs.state.store import RunState
from tui.text import clean

_GAP = 2
_LEAST_WIDTH = 14
"""Least width of a picture, in cells, so that its verdict fits."""


class PredictionsKind(Kind):
    """The newest evaluation's predictions, the wrong ones first."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._first = 0

    def of(self, state: RunState) -> bool:
        return state.predictions is not None

    def heading(self, state: RunState) -> Text:
        if state.predictions is None:
            return Text()
        right = sum(sample.correct for sample in state.predictions.samples)
        where = "test set" if state.predictions.split == "test" else "validation"
        return Text(f"{where}, step {state.predictions.step}: {right} of these are right")

    def body(self, state: RunState, width: int, height: int) -> Sequence[Text]:
        self.height = height
        samples = state.predictions.samples if state.predictions is not None else []
        lines = self._lines(samples, width)
        self._first = max(0, min(self._first, len(lines) - height))
        return lines[self._first : self._first + height]

    def move(self, state: RunState, by: int) -> None:
        self._first += by

    def _lines(self, samples: Sequence[Prediction], width: int) -> list[Text]:
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
                if self.marked:
                    line.append(heat.grey_letter((above + below) / 510))
                else:
                    line.append("▀", style=f"{heat.grey(above)} on {heat.grey(below)}")
            lines.append(line)
        verdict = self._verdict(sample)
        verdict.truncate(max(len(rows[0]) if rows else 0, _LEAST_WIDTH), overflow="ellipsis")
        return [*lines, verdict]
