"""Source, reference and output under each other: translations, headings, what was heard."""

from collections.abc import Sequence

from rich.text import Text

from engine.runs.events import Output, Outputs
from tui.panels.panel import Panel
from tui.panels.samples.differences import Words, differing, errors
from tui.panels.samples.kind import Kind, Place
from tui.plots import heat_map
from tui.plots.heat_map import Stretch
from tui.runs.state.store import RunState
from tui.text import clean, count

_LABEL = 11
"""The width of the words that tell the lines apart."""
_LOWEST, _HIGHEST = 3, 10
"""The height of a spectrogram and the greatest one of a source, in lines."""
_MOST_BLOCKS = 256


class OutputsKind(Kind):
    """What the model made of the same sources at each evaluation, with the words that differ from
    the reference marked. Turning back keeps the source, so that one sees it learn."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._place = Place()
        self._sample = 0
        """The first sample that is shown,"""
        self._line = 0
        """and the first of its lines."""
        self._drawn: dict[tuple[object, ...], tuple[Outputs, list[Text]]] = {}
        """Blocks of samples, each with the event it is from: pictures take long to draw."""

    def of(self, state: RunState) -> bool:
        return bool(state.outputs)

    def heading(self, state: RunState) -> Text:
        events = _newest_first(state)
        event = events[self._place.at(events)]
        where = "test set" if event.split == "test" else "validation"
        right = sum(sample.output == sample.reference for sample in event.samples)
        words = f"{where}, step {count(event.step)}: {right} of {len(event.samples)} right"
        return Text(words).append(self._place.told(events), style=self.color("plot-ink"))

    def body(self, state: RunState, width: int, height: int) -> Sequence[Text]:
        self.height = height
        event = self._event(state)
        self._sample = max(0, min(self._sample, len(event.samples) - 1))
        lines: list[Text] = []
        for at in range(self._sample, len(event.samples)):
            if len(lines) >= self._line + height:
                break
            lines += self._block(event, at, width)
        return lines[self._line : self._line + height]

    def move(self, state: RunState, by: int) -> None:
        event, width = self._event(state), self.panel.size.width
        self._line += by
        while self._line < 0 and self._sample > 0:
            self._sample -= 1
            self._line += len(self._block(event, self._sample, width))
        while self._sample + 1 < len(event.samples):
            long = len(self._block(event, self._sample, width))
            if self._line < long:
                break
            self._sample, self._line = self._sample + 1, self._line - long
        if self._sample + 1 == len(event.samples):  # its end stays in sight
            last = len(self._block(event, self._sample, width)) - self.height
            self._line = min(self._line, max(0, last))
        self._line = max(0, self._line)

    def turn(self, state: RunState, by: int) -> None:
        self._place.turn(_newest_first(state), by)

    def _event(self, state: RunState) -> Outputs:
        events = _newest_first(state)
        return events[self._place.at(events)]

    def _block(self, event: Outputs, at: int, width: int) -> list[Text]:
        """The lines of a sample, with an empty one behind it."""
        tall = max(_LOWEST, min(_HIGHEST, self.height // 4))
        key = (id(event), at, width, tall, self.panel.app.theme, self.marked)
        if key not in self._drawn:
            if len(self._drawn) >= _MOST_BLOCKS:
                self._drawn.clear()
            self._drawn[key] = event, self._draw(event.samples[at], width, tall)
        return self._drawn[key][1]

    def _draw(self, sample: Output, width: int, tall: int) -> list[Text]:
        source, reference = clean(sample.source), clean(sample.reference)
        output = clean(sample.output)
        expected, given = differing(reference, output)
        lines = []
        if sample.source:
            told = self._labelled("source", Text(source, style=self.color("plot-ink")), width)
            lines += told[:tall]
            if len(told) > tall:
                lines[-1] = lines[-1].copy()
                lines[-1].truncate(max(0, width - 2))
                lines[-1].append(" …")
        lines += self._sound(sample, width, tall)
        lines += self._labelled("reference", self._words(expected, ("{", "}"), "warning"), width)
        verdict = self._verdict(reference, output)
        lines += self._labelled(
            "output", verdict.append(self._words(given, ("[", "]"), "error")), width
        )
        return [*lines, Text()]

    def _labelled(self, label: str, text: Text, width: int) -> list[Text]:
        """The text, wrapped beside the word that says what it is."""
        wrapped = text.wrap(self.panel.app.console, max(8, width - _LABEL - 1))
        labels = [label.rjust(_LABEL - 2) + "  ", *[" " * _LABEL] * (len(wrapped) - 1)]
        return [
            Text(name, style=self.color("plot-ink"), end="").append_text(line)
            for name, line in zip(labels, wrapped, strict=True)
        ]

    def _verdict(self, reference: str, output: str) -> Text:
        wrong = errors(reference, output)
        if not wrong:
            return Text("ok  ", style=f"bold {self.color('success')}", end="")
        return Text(f"{wrong} off  ", style=f"bold {self.color('error')}", end="")

    def _words(self, words: Words, brackets: tuple[str, str], variable: str) -> Text:
        """Words, of which those that differ have a colour, or brackets where there are none."""
        text = Text(end="")
        left, right = brackets if self.marked else ("", "")
        style = f"bold {self.color(variable)}"
        for at, (word, wrong) in enumerate(words):
            text.append(" " if at else "")
            if wrong:
                text.append(f"{left}{word}{right}", style=style)
            else:
                text.append(word, style=self.color("foreground"))
        return text if words else Text("(nothing)", style=self.color("plot-ink"))

    def _sound(self, sample: Output, width: int, tall: int) -> list[Text]:
        """The spectrogram as a heat map, with what was heard when under it."""
        if not sample.spectrogram:
            return []
        frames = len(sample.spectrogram[0])
        stretch = Stretch(frames, max(1, min(width - _LABEL - 1, 2 * frames)))
        picture = heat_map.lines(
            heat_map.resampled(sample.spectrogram, 2 * tall, stretch.cells),
            hot=self.color("accent"),
            cold=self.color("background"),
            letters=self.marked,
        )
        left = [" " * _LABEL] * len(picture)
        left[0] = "sound".rjust(_LABEL - 2) + "  "
        lines = [
            Text(name, style=self.color("plot-ink"), end="").append_text(line)
            for name, line in zip(left, picture, strict=True)
        ]
        if sample.spans:
            spans = [(clean(span.text), span.begin, span.end) for span in sample.spans]
            words = stretch.placed(spans, ascii_only=self.panel.plain)
            label = "heard".rjust(_LABEL - 2) + "  "
            lines.append(Text(label, style=self.color("plot-ink")).append(words, style="bold"))
        return lines


def _newest_first(state: RunState) -> list[Outputs]:
    return list(reversed(state.outputs))
