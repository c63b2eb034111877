"""What a plot of a race draws of its metric; pure.

Lanes that are all good lie on top of each other between 0 and 1. The error of a share, or a loss,
on a logarithmic axis tells 0.97 from 0.99.
"""

from tui.runs.points.series import Floats
from tui.text import clean


def is_share(metric: str) -> bool:
    """Whether a metric is a share of samples that are right, so that 1 is all of them."""
    return metric.endswith(("accuracy", "win_rate"))


def drawn(values: Floats, metric: str, *, log_y: bool) -> Floats:
    """The values as they are drawn, float64 (n,): on a logarithmic axis, the error of a share."""
    return 1.0 - values if log_y and is_share(metric) else values


def name(metric: str, *, log_y: bool) -> str:
    """What the y axis shows."""
    if not log_y:
        return clean(metric)
    return f"error, 1 - {clean(metric)}" if is_share(metric) else f"{clean(metric)}, log"
