"""What the trials of a race try, and what they have found so far, in lines; pure."""

import math

from rich.text import Text

from tui.races.news import LaneNews
from tui.races.view import RaceView
from tui.text import clean, count, number

_NAME = 18


def lines(view: RaceView, width: int, height: int, *, ink: str) -> list[Text]:
    """A line for each lane: how many of its trials are over, what is tried now, and what was best;
    as many as there is room for."""
    spec = view.news.spec
    over = sum(len(lane.trials) for lane in view.news.lanes)
    total = sum(lane.num_trials for lane in view.news.lanes)
    head = Text(
        f" tuning: {over} of {total} trials are over; each lane then runs {spec.seeds} seeds with "
        f"its best learning rate by {clean(spec.metric)}",
        style=ink,
    )
    found = [head, *(_line(view, at) for at in range(len(view.news.lanes)))]
    for line in found:
        line.truncate(width, overflow="ellipsis")
    return found[:height]


def _line(view: RaceView, at: int) -> Text:
    lane = view.news.lanes[at]
    line = Text(f" {clean(lane.label, _NAME):<{_NAME + 1}}", style=view.color(at))
    line.append(f" {len(lane.trials)}/{lane.num_trials}", style="default")
    for each in lane.trying:
        line.append(f"  tries lr {each.lr:.3g}", style="bold default")
        if each.step:
            line.append(f", step {count(each.step)}: {number(each.value)}", style="default")
    if (best := _best(view, lane)) is not None:
        line.append(f"  best lr {best[0]:.3g}: {number(best[1])}", style="default")
    elif lane.trials and not lane.trying:
        line.append("  none was finite", style="default")
    elif not lane.trying:
        line.append("  waits for its turn", style="default")
    return line


def _best(view: RaceView, lane: LaneNews) -> tuple[float, float] | None:
    """The learning rate and value of the best trial so far."""
    known = [trial for trial in lane.trials if math.isfinite(trial[1])]
    if not known:
        return None
    best = max if view.news.spec.better == "max" else min
    return best(known, key=lambda trial: trial[1])
