"""The answer of one model: classes with bars, a text as it comes, what was heard, numbers."""

from collections.abc import Sequence

import numpy as np
from rich.text import Text

from engine.runs.questions import Answer, Choice, Position
from tui.panels.samples.kind import printable
from tui.panels.trying.try_view import Asked, Trying, TryingPanel
from tui.plots import board, chart, heat_map
from tui.plots.heat_map import Stretch
from tui.text import clean, count, cut, duration, number
from tui.text import column as in_cells

_LABEL = 16
_BAR = 30
_CLEAR = 0.005
"""The least weight of a word that is told."""


class AnswerPanel(TryingPanel):
    """The answer of one of the runs that are asked."""

    HEADING = "Answer"

    def __init__(self, *, id: str, place: int) -> None:
        super().__init__(id=id)
        self._place = place

    def title(self, view: Trying) -> str:
        asked = self._asked(view)
        return clean(asked.label, 40) if asked is not None else self.HEADING

    def heading(self, view: Trying) -> Text:
        asked = self._asked(view)
        if asked is None or asked.ready is None:
            return Text()
        answer = asked.answer
        step = answer.step if answer is not None and answer.checkpoint else asked.ready.step
        words = f"the model of step {count(step)}"
        if asked.ready.writes:
            words += (
                f", temperature {view.temperature:.1f}, {view.length} symbols, text {view.seed}"
            )
        return Text(words + (" ..." if asked.waits else ""), style=self.color("plot-ink"))

    def body(self, view: Trying, width: int, height: int) -> Sequence[Text]:
        asked = self._asked(view)
        if asked is None:
            return []
        if asked.error or (asked.answer is not None and asked.answer.error):
            said = asked.error or (asked.answer.error if asked.answer is not None else "")
            return self._wrapped(Text(f"! {clean(said)}", style=self.color("error")), width)
        if asked.ready is None:
            return [Text(" loading the model ...", style=self.color("plot-ink"))]
        if asked.answer is None:
            return [Text(f" asks for {clean(asked.ready.example)}", style=self.color("plot-ink"))]
        return self._told(asked, asked.answer, width)[:height]

    def _asked(self, view: Trying) -> Asked | None:
        return view.asked[self._place] if self._place < len(view.asked) else None

    def _told(self, asked: Asked, answer: Answer, width: int) -> list[Text]:
        if answer.position is not None:
            return self._thoughts(answer.position, width)
        if answer.spectrogram:
            return self._heard(answer, width)
        if asked.ready is not None and asked.ready.task == "classification":
            return [*self._bars(answer.choices, width), *self._weights(answer.words, width)]
        text = Text(printable(answer.text), style=f"bold {self.color('foreground')}")
        lines = [*self._wrapped(text, width), *self._weights(answer.words, width)]
        if answer.choices:
            likely = "   ".join(f"{_seen(c.text)} {c.share:.0%}" for c in answer.choices[:5])
            lines += [
                Text(),
                Text(f" next might have been  {likely}", style=self.color("plot-ink")),
            ]
        return lines

    def _wrapped(self, text: Text, width: int) -> list[Text]:
        wrapped = text.wrap(self.app.console, max(8, width - 2))
        return [Text(" ", end="").append_text(line) for line in wrapped]

    def _bars(self, choices: Sequence[Choice], width: int) -> list[Text]:
        """Each class with its probability as a bar, the most likely first."""
        room = max(4, min(_BAR, width - _LABEL - 10))
        full, rest = ("#", ".") if self.plain else ("█", "░")
        lines = []
        for place, choice in enumerate(choices):
            style = f"bold {self.color('success')}" if place == 0 else self.color("plot-ink")
            filled = round(choice.share * room)
            line = Text(f" {in_cells(clean(choice.text), _LABEL)} ", style=style, end="")
            line.append(full * filled, style=style)
            line.append(rest * (room - filled), style=self.color("plot-ink"))
            lines.append(line.append(f" {choice.share:6.1%}", style=style))
        return lines

    def _weights(self, words: Sequence[Choice], width: int) -> list[Text]:
        """The words of the input, those that speak for the answer and against it marked."""
        if not words:
            return []
        text = Text(end="")
        for word in words:
            mark, style = "", self.color("foreground")
            if abs(word.share) >= _CLEAR:
                mark = f"{word.share:+.2f}"
                style = f"bold {self.color('success' if word.share > 0 else 'error')}"
            text.append(f"{clean(word.text, 60)}", style=style)
            text.append(f"{mark} ", style=style)
        head = Text(" for (+) and against (-) it", style=self.color("plot-ink"))
        return [Text(), head, *self._wrapped(text, width)]

    def _heard(self, answer: Answer, width: int) -> list[Text]:
        """Waveform and spectrogram with what was heard when."""
        frames = len(answer.spectrogram[0])
        stretch = Stretch(frames, max(1, min(width - 2, 2 * frames)))
        text = Text(f" {clean(answer.text) or '(nothing)'}", style=f"bold {self.color('success')}")
        if answer.reference:
            text.append(f"   said: {clean(answer.reference)}", style=self.color("plot-ink"))
        lines = [text]
        if answer.waveform:
            wave = np.interp(
                np.linspace(0, 1, stretch.cells),
                np.linspace(0, 1, len(answer.waveform)),
                np.array(answer.waveform),
            )
            loudest = float(wave.max()) or 1.0
            strip = chart.strip(wave / loudest, ascii_only=self.plain)
            lines.append(Text(f" {strip}", style=self.color("lane-0")))
        picture = heat_map.lines(
            heat_map.resampled(answer.spectrogram, 16, stretch.cells),
            hot=self.color("accent"),
            cold=self.color("background"),
            letters=self.plain or self.colorless,
        )
        lines += [Text(" ", end="").append_text(line) for line in picture]
        spans = [(clean(span.text), span.begin, span.end) for span in answer.spans]
        lines.append(Text(f" {stretch.placed(spans, ascii_only=self.plain)}", style="bold"))
        others = [each for each in answer.choices if each.text != answer.text]
        if others:
            told = "   ".join(f"{_seen(c.text) or '(nothing)'} {c.share:.1%}" for c in others[:3])
            lines.append(Text(f" or perhaps  {told}", style=self.color("plot-ink")))
        return [*lines, Text(f" {duration(answer.seconds)}", style=self.color("plot-ink"))]

    def _thoughts(self, position: Position, width: int) -> list[Text]:
        """What the model thinks of a position."""
        stones = board.ASCII_STONES if self.plain else board.STONES
        bar = board.value_bar(position.value, min(20, width - 8), ascii_only=self.plain)
        lines = [Text(f" {stones[1]} {bar} {stones[-1]}")]
        if position.value is not None:
            lines[0].append(f"  {number(position.value, 2)} for {stones[1]}")
        if position.winner is not None:
            won = f"{stones[position.winner]} won" if position.winner else "a draw"
            lines = [Text(f" the game is over: {won}", style=f"bold {self.color('accent')}")]
        moves = sorted(zip(position.shares, position.names, strict=True), reverse=True)[:8]
        lines += self._bars([Choice(text=name, share=share) for share, name in moves], width)
        return [*lines, Text(f" moves: {cut(' '.join(position.history), max(8, width - 10))}")]


def _seen(text: str) -> str:
    """A token with its blanks and line ends visible."""
    return clean(text.replace("\n", "⏎").replace(" ", "␣"), 20) or "(end)"
