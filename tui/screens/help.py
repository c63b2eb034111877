"""The help: the keys of a screen, and what the plots mean."""

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from tui.panels import keys
from tui.panels.keys import Key, Keys, bindings, closing, together

ON_PLOTS = """\
Gradient norm: the global L2 norm before clipping. The dashed line is the clipping threshold; \
the strip under the plot shows where the gradient was clipped, the higher the more often.

On a plot, c is a command, k a checkpoint, r a restart, ! a value that is not finite, g a gap in \
the log; a tick at the bottom is the end of an epoch. An arrow at the edge is a value beyond it: \
an outlier, or, on a logarithmic axis, one that is not positive. In a list of values at the \
crosshair, ~ is before the smoothed value, @ before the step at which it was recorded.

Several runs: each has a colour and a line style, shown in the list of runs. They start from \
the same weights and see the same batches.\
"""
"""What the plots of a dashboard mean."""

_ON_RUNS = """
A run is a process of its own: it goes on when this screen, or the connection, is gone. \
Come back with: bigmodel-tui watch\
"""

EVERYWHERE: Keys = (
    Key("question_mark,f1", "help", "Help", "show the keys; F1 also while typing", footer=True),
    Key("ctrl+p", "", does="all commands"),
    Key(
        "D",
        "next_theme",
        "Next theme",
        "other colours: `dark`, `light`, and for colour blindness `colorblind-dark`, "
        "`colorblind-light`",
    ),
    Key("ctrl+l", "repaint", "Repaint", "draw the screen anew"),
    together(
        Key("ctrl+q", "quit", "Quit", priority=True),
        does="quit at once; runs go on",
    ),
)
"""The keys of the app, on every screen."""


class HelpScreen(ModalScreen[None]):
    """A window with the keys of the screen under it, and what its plots mean."""

    KEYS = (closing("escape,q,question_mark"),)
    BINDINGS = bindings(KEYS)

    def __init__(self, screen: Screen[object]) -> None:
        """`screen` is the one whose keys are shown."""
        super().__init__()
        self._subject = screen

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as box:
            box.border_title = "Keys"
            box.border_subtitle = "Esc closes"
            yield Static(self._keys())
            if notes := getattr(self._subject, "NOTES", ""):
                yield Static(f"\n{notes}", markup=False)
            yield Static(_ON_RUNS, markup=False)

    def _keys(self) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        for shown, does in (*keys.lines(self._subject), *keys.lines(self.app)):
            table.add_row(Text(shown, style="bold"), Text(keys.plain(does)))
        return table
