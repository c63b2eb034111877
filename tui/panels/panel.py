"""The base of panels that draw themselves line by line and repaint the lines that changed."""

from collections.abc import Sequence
from typing import Generic

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from typing_extensions import TypeVar

from tui.plots.lane_view import View

V = TypeVar("V", default=View)
"""The view that is drawn: the runs of a dashboard, or something else that a screen shows."""


class Panel(Widget, Generic[V], can_focus=True):
    """A widget with a title line and lines of text under it.

    A subclass says what to draw; this class compares it with what is on the screen and repaints
    only the lines that differ. `tui.terminal.delta` sends the cells of them that do.
    """

    ALLOW_MAXIMIZE = True
    HEADING = ""
    SHOWS_PLOTS = False
    """Whether it is drawn anew when only the view of the plots changes."""

    def __init__(self, *, id: str, heading: str = "", classes: str = "") -> None:
        super().__init__(id=id, classes=classes)
        self._heading = heading or self.HEADING
        self._strips: list[Strip] = []
        self._lines: list[Text | list[Segment]] = []
        """What the strips were made from, and for which width and colours."""
        self._drawn_for: object = None
        self._view: V | None = None
        self._drawn_appearance: tuple[str, object] | None = None

    def show(self, view: V) -> None:
        """Draw the panel anew from the state of the runs."""
        self._view = view
        self._redraw()

    def show_figures(self, view: V) -> None:
        """Draw what costs little: the title line, with the values in it."""
        self._view = view
        if self._strips and self._drawn_appearance == self._appearance:
            width = self.size.width
            title = self._title_line(view, width)
            if title != self._lines[0]:
                self._lines = [title, *self._lines[1:]]
                self._replace([self._strip(title, width, self.rich_style), *self._strips[1:]])

    def title(self, view: V) -> str:
        """The panel's name."""
        return self._heading

    def heading(self, view: V) -> Text:
        """The part of the title line after the panel's name."""
        return Text()

    def body(self, view: V, width: int, height: int) -> Sequence[Text | list[Segment]]:
        """The lines under the title: at most `height` lines of at most `width` cells, as text or,
        where there are many styles, as segments."""
        raise NotImplementedError

    def on_resize(self) -> None:
        self._strips = []
        self._redraw()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        # Also told when another widget is maximized, which changes nothing that is drawn here.
        if self._appearance != self._drawn_appearance:
            self._redraw()

    def watch_has_focus(self, has_focus: bool) -> None:
        """Draw the title in the style of the focus: the events come before it is known."""
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
    def _appearance(self) -> tuple[str, object]:
        """The facts that decide the colours."""
        return self.app.theme, self.rich_style

    def _title_line(self, view: V, width: int) -> Text:
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
        self._drawn_appearance = self._appearance
        lines: list[Text | list[Segment]] = [self._title_line(self._view, width)]
        lines += list(self.body(self._view, width, height - 1))[: height - 1]
        style = self.rich_style  # composed of all ancestors' at each access
        # A line that is the same is not taken apart again; a body makes new ones or leaves them.
        wanted = (width, self._appearance)
        old = self._lines if wanted == self._drawn_for else []
        known = [i < len(old) and line == old[i] for i, line in enumerate(lines)]
        strips = [
            self._strips[i]
            if same and i < len(self._strips)
            else self._strip(lines[i], width, style)
            for i, same in enumerate(known)
        ]
        self._lines, self._drawn_for = lines, wanted
        self._replace(strips)

    def _strip(self, line: Text | list[Segment], width: int, style: Style) -> Strip:
        segments = list(line.render(self.app.console)) if isinstance(line, Text) else line
        return Strip(segments).adjust_cell_length(width).apply_style(style).simplify()

    def _replace(self, strips: list[Strip]) -> None:
        old, self._strips = self._strips, strips
        if len(old) != len(strips):
            self.refresh()
            return
        changed = [y for y, (a, b) in enumerate(zip(old, strips, strict=True)) if a != b]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))
