"""The confusion matrix of a classifier: rows are true classes, columns what was predicted."""

from collections.abc import Sequence
from heapq import nlargest

from rich.text import Text

from engine.runs.events import Confusion
from tui.panels.panel import Panel
from tui.plots import heat
from tui.plots.lane_view import View
from tui.plots.palette import ink_on
from tui.text import cells, clean, column, count


class ConfusionPanel(Panel):
    """A matrix of counts on shades; where there is no room, the classes that are confused most."""

    HEADING = "Confusion"

    def heading(self, view: View) -> Text:
        event = view.focus.state.confusion
        if event is None:
            return Text()
        right = sum(row[index] for index, row in enumerate(event.counts))
        total = sum(map(sum, event.counts)) or 1
        where = "test set" if event.split == "test" else f"validation, step {event.step}"
        return Text(f"{where}: {right / total:.1%} right; rows are true, columns predicted")

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        event = view.focus.state.confusion
        if event is None:
            return [Text(_without(view))]
        names = [clean(name, 12) for name in event.names] or [
            str(index) for index in range(len(event.counts))
        ]
        label = min(max(map(cells, names)), max(3, width // 5))
        widest = max(len(str(number)) for row in event.counts for number in row)
        cell = max(widest, min(4, max(map(cells, names)))) + 1
        if len(names) > height - 1 or label + 1 + cell * len(names) > width:
            return self._worst(event, names, height)
        head = Text(" " * (label + 1), style=self.color("plot-ink"))
        for name in names:
            head.append(column(_begin(name, cell - 1), cell, right=True))
        lines = [head]
        for index, row in enumerate(event.counts):
            name = column(_begin(names[index], label), label, right=True)
            line = Text(f"{name} ", style=self.color("plot-ink"))
            total = sum(row) or 1
            for place, number in enumerate(row):
                line.append(*self._cell(number, number / total, index == place, cell))
            lines.append(line)
        return lines

    def _cell(self, number: int, share: float, right: bool, width: int) -> tuple[str, str]:
        words = (str(number) if number else "·" if not self.plain else ".").rjust(width)
        hot = self.color("success" if right else "error")
        back = heat.warmth(share, hot, self.color("background"))
        return words, f"{ink_on(back) if number else self.color('plot-ink')} on {back}"

    def _worst(self, event: Confusion, names: list[str], height: int) -> list[Text]:
        """The pairs of classes that are mixed up most often."""
        pairs = nlargest(
            max(0, height - 1),
            (
                (number, row, guess)
                for row, numbers in enumerate(event.counts)
                for guess, number in enumerate(numbers)
                if row != guess and number
            ),
        )
        lines = [Text(f" {len(names)} classes; taken for another most often:")]
        for number, row, guess in pairs:
            line = Text(f" {count(number):>6} ", style=self.color("error"))
            lines.append(line.append(f"{names[row]} taken for {names[guess]}", style="none"))
        return lines


def _begin(name: str, width: int) -> str:
    """As much of the name as fits, without an ellipsis, for which there is no room."""
    while cells(name) > width:
        name = name[:-1]
    return name


def _without(view: View) -> str:
    state = view.focus.state
    task = state.started.task if state.started else "classification"
    if task != "classification":
        return f" no confusion matrix: this run is for {clean(task)}"
    return " comes with the first evaluation" if state.active else " none was recorded"
