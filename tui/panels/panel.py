"""The base of panels that draw themselves line by line and send only what changed."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.lanes import View


class Panel(Widget, can_focus=True):
    """A title line and lines of text under it.

    A subclass says what to draw; this class compares it with what is on the screen and repaints
    only the spans that differ, which is what makes a live plot cheap over a slow link.
    """

    ALLOW_MAXIMIZE = True
    HEADING = ""
    SHOWS_PLOTS = False
    """Whether it is drawn anew when only the way changes in which plots are looked at."""

    def __init__(self, *, id: str, heading: str = "") -> None:
        super().__init__(id=id)
        self._heading = heading or self.HEADING
        self._strips: list[Strip] = []
        self._view: View | None = None
        self._drawn_look: tuple[str, object] | None = None

    def show(self, view: View) -> None:
        """Draw the panel anew from the state of the runs."""
        self._view = view
        self._redraw()

    def title(self, view: View) -> str:
        """The panel's name."""
        return self._heading

    def heading(self, view: View) -> Text:
        """What stands in the title line after the panel's name."""
        return Text()

    def body(self, view: View, width: int, height: int) -> Sequence[Text | list[Segment]]:
        """The lines under the title: at most `height` lines of at most `width` cells, as text or,
        where there are many styles, as segments."""
        raise NotImplementedError

    def on_resize(self) -> None:
        self._strips = []
        self._redraw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        # Also told when another widget is maximized, which changes nothing that is drawn here.
        if self._look != self._drawn_look:
            self._redraw()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Not at the events: they come before it is known."""
        super().watch_has_focus(has_focus)
        self._redraw()

    def render_line(self, y: int) -> Strip:
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, self.rich_style)

    @property
    def plain(self) -> bool:
        """Whether the terminal shows ASCII only."""
        return bool(getattr(self.app, "plain", False))

    @property
    def colorless(self) -> bool:
        """Whether colours are of no use."""
        return bool(getattr(self.app, "colorless", False))

    def color(self, variable: str) -> str:
        """A colour of the theme as #rrggbb."""
        return self.app.theme_variables[variable]

    @property
    def _look(self) -> tuple[str, object]:
        """What decides the colours."""
        return self.app.theme, self.rich_style

    def _title_line(self, view: View, width: int) -> Text:
        focused = self.has_focus
        line = Text(" ")
        line.append(
            self.title(view), style=f"bold {self.color('accent') if focused else ''}".strip()
        )
        heading = self.heading(view)
        if heading.plain:
            line.append("  ").append(heading)
        line.truncate(max(0, width - 1), overflow="ellipsis")
        line.append(" ")
        rule = "=" if focused and self.plain else "─" if not focused else "━"
        return line.append(rule * max(0, width - line.cell_len), style=self.color("plot-ink"))

    def _redraw(self) -> None:
        width, height = self.size
        if self._view is None or not width or not height or not self.is_attached:
            return
        self._drawn_look = self._look
        lines: list[Text | list[Segment]] = [self._title_line(self._view, width)]
        lines += list(self.body(self._view, width, height - 1))[: height - 1]
        style = self.rich_style  # composed of all ancestors' at each look
        self._replace([self._strip(line, width, style) for line in lines])

    def _strip(self, line: Text | list[Segment], width: int, style: Style) -> Strip:
        segments = list(line.render(self.app.console)) if isinstance(line, Text) else line
        return Strip(segments).adjust_cell_length(width).apply_style(style).simplify()

    def _replace(self, strips: list[Strip]) -> None:
        old, self._strips = self._strips, strips
        blank = Strip.blank(self.size.width, self.rich_style)
        changed = []
        for y in range(max(len(old), len(strips))):
            before = old[y] if y < len(old) else blank
            after = strips[y] if y < len(strips) else blank
            if (span := _difference(before, after)) is not None:
                changed.append(Region(span[0], y, span[1] - span[0], 1))
        if len(old) != len(strips):
            self.refresh()
        elif changed:
            self.refresh(*changed)


def _difference(before: Strip, after: Strip) -> tuple[int, int] | None:
    """The columns from the first to the last cell that differs, or None."""
    if before == after:
        return None
    old, new = _cells(before), _cells(after)
    if len(old) != len(new):
        return 0, max(len(old), len(new))
    different = [x for x, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    return (different[0], different[-1] + 1) if different else None


def _cells(strip: Strip) -> list[tuple[str, object]]:
    cells: list[tuple[str, object]] = []
    for text, style, _ in strip:
        for character in text:
            # A wide character takes two columns; zero-width ones were removed by `clean`.
            width = 1 if character.isascii() else max(1, cell_len(character))
            cells += [(character, style)] * width
    return cells
