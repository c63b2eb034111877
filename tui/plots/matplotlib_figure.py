"""Draw figures by matplotlib, where it is installed; nothing else imports it."""

import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from tui.plots import ticks
from tui.plots.palette import LIGHT_LANE_COLORS
from tui.text import clean

Kind = Literal["svg", "png"]

NEEDED = "they need matplotlib; install with pip install 'bigmodel-tui[pictures]'"
WIDTH, HEIGHT = 8.0, 4.5
"""Size of a figure with a single plot, in inches."""
DOTS_PER_INCH = 150
_DASHES = ("-", "--", ":", "-.")


def installed() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


@contextmanager
def drawing() -> Iterator[None]:
    """Use matplotlib's default style, whatever a user's matplotlibrc says: equal data give equal
    files."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it reports its cache folder
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as of a character that the font lacks
        mpl.rcdefaults()
        mpl.rcParams["svg.hashsalt"] = "bigmodel-tui"
        mpl.rcParams["text.parse_math"] = False  # a label is not a formula
        yield


def figure(height: float = HEIGHT) -> Any:
    """An empty figure of this height, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), layout="constrained")


def style(lane: int) -> tuple[str, str]:
    """Colour and dashes of a curve; they repeat after eight."""
    colors = list(LIGHT_LANE_COLORS.values())
    return colors[lane % len(colors)], _DASHES[lane % len(_DASHES)]


def entry(label: str) -> str:
    """A label made safe for a legend, which drops labels that begin with an underscore."""
    made = clean(label, 60)
    return f" {made}" if made.startswith("_") else made


def logarithmic(axes: Any, which: Literal["x", "y"]) -> None:
    """Make an axis logarithmic, with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: ticks.compact(value)))
    axis.set_minor_formatter(NullFormatter())


def encoded(drawn: Any, kind: Kind) -> bytes:
    """A figure as the bytes of a file, without date and version."""
    nobody = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
    file = io.BytesIO()
    drawn.savefig(file, format=kind, dpi=DOTS_PER_INCH, metadata=nobody[kind])
    return file.getvalue()


def save(drawn: Any, path: Path) -> None:
    """Write a figure as SVG. Raises OSError."""
    path.write_bytes(encoded(drawn, "svg"))
