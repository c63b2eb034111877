"""The keys of a screen, and what the plots mean."""

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

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

EVERYWHERE = (
    ("D", "other colours: dark, light, and both for colour blindness"),
    ("Ctrl+P", "all commands"),
    ("?, F1", "this help; F1 also while typing"),
    ("Ctrl+Q", "quit at once; runs go on"),
    ("Ctrl+L", "draw the screen anew"),
)


class HelpScreen(ModalScreen[None]):
    """Shown over a screen; any of its keys closes it."""

    BINDINGS = [
        ("escape", "dismiss", "Close"),
        ("q", "dismiss", "Close"),
        ("question_mark", "dismiss", "Close"),
    ]

    def __init__(self, screen: Screen[object]) -> None:
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
        for key, what in getattr(self._subject, "KEYS", ()):
            table.add_row(Text(key, style="bold"), Text(what))
        for key, what in EVERYWHERE:
            table.add_row(Text(key, style="bold"), Text(what))
        return table
