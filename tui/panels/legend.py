"""The legend of a plot: the line of each lane and its name."""

from collections.abc import Iterable

from rich.text import Text

from tui.plots.chart import line_sample
from tui.text import clean

_NAME = 24


def legend(
    lanes: Iterable[tuple[int, str, str]], width: int, most: int, *, plain: bool
) -> list[Text]:
    """Lines with the samples and names of lanes, each a line style, a name and a colour; at most
    `most` lines, the last of which says how many lanes are left out."""
    entries = []
    for index, name, color in lanes:
        entry = Text(line_sample(index, ascii_only=plain), style=color, end="")
        entries.append(entry.append(f" {clean(name, _NAME)}", style="default"))
    lines = [Text(" ")]
    for number, entry in enumerate(entries):
        if lines[-1].cell_len + entry.cell_len + 1 > width and lines[-1].cell_len > 1:
            if len(lines) == most:
                return [*lines[:-1], _with_rest(lines[-1], len(entries) - number, width)]
            lines.append(Text(" "))
        lines[-1].append_text(entry).append("  ")
    return lines


def _with_rest(line: Text, left: int, width: int) -> Text:
    words = f"and {left} more"
    line.truncate(max(0, width - len(words)))
    return line.append(words)
