"""Format the standings of a race as cells, plain text, Markdown and LaTeX; pure."""

import math
from collections.abc import Sequence

from engine.race.devices import times_compare
from engine.race.results import RaceResults
from engine.race.spec import RaceSpec
from engine.race.standings import Row, Standings
from engine.race.statistics import Spread
from presets.schema import Target
from tui.text import cells as width_of
from tui.text import clean, column, file_size, number

DNF = "DNF"


def of(results: RaceResults, standings: Standings) -> tuple[list[str], list[list[str]]]:
    """The names of the columns and the cells, for the results of a race."""
    spec = results.spec
    return header(spec, results.goal), cells(spec, standings, timed=times_compare(spec))


def header(spec: RaceSpec, goal: Target | None) -> list[str]:
    """The names of the columns; some only where there is a goal to reach."""
    metric = spec.metric.removeprefix("val/")
    reached = "target" if spec.target else "level of reference"
    target = [f"steps to {reached}", "seconds", "seeds", "held"] if goal else []
    reference = [f"against {clean(spec.reference_lane)}"] if goal else []
    rest = [f"best {metric}", "final", "test", "ms/step", "memory", "clipped", "lr"]
    return ["", "lane", *target, *reference, *rest]


def cells(spec: RaceSpec, standings: Standings, *, timed: bool) -> list[list[str]]:
    """A row of texts for each lane, in the order of the ranking; times only if `timed`."""
    return [_row(spec, row, place, timed=timed) for place, row in enumerate(standings.rows, 1)]


def _row(spec: RaceSpec, row: Row, place: int, *, timed: bool) -> list[str]:
    found = [str(place), clean(row.label)]
    if row.steps is not None and row.seconds is not None and row.held is not None:
        found += [
            spread(row.steps),
            spread(row.seconds) if timed else "-",
            f"{row.steps.reached}/{row.steps.of}",
            spread(row.held),
            _ratio(spec, row),
        ]
    milliseconds = number(1000 * row.step_seconds, 3) if timed else "-"
    return [
        *found,
        _value(row, row.best),
        _value(row, row.final),
        _value(row, row.test),
        "-" if math.isnan(row.step_seconds) else milliseconds,
        "-" if row.optimizer_bytes is None else file_size(row.optimizer_bytes),
        "-" if math.isnan(row.clipped_share) else f"{row.clipped_share:.0%}",
        "-" if row.lr is None else f"{row.lr:.3g}",
    ]


def spread(found: Spread) -> str:
    """A median with its interval, `160 (140 to 160)`; none for one run, DNF for a miss."""
    if not found.of:
        return "-"
    median = _cost(found.median)
    if math.isinf(found.low):
        return DNF
    return f"{median} ({_cost(found.low)} to {_cost(found.high)})" if found.has_interval else median


def _cost(value: float) -> str:
    return number(value) if math.isfinite(value) else DNF


def _value(row: Row, found: Spread) -> str:
    if not found.of:
        return "-"
    median, ends = found.median, sorted((row.value(found.low), row.value(found.high)))
    if not math.isfinite(median):
        return DNF
    said = number(row.value(median))
    if not found.has_interval:
        return said
    return f"{said} ({' to '.join(map(_cost, ends))})"


def _ratio(spec: RaceSpec, row: Row) -> str:
    if row.label == spec.reference_lane:
        return "reference"
    ratio = row.speed_up
    if ratio is None or not 0 < ratio.value < math.inf:  # one of the two missed
        return "-"
    ends = [ratio.low, ratio.high]
    if max(ends) <= 1 or min(ends) >= 1:  # all of it faster, or all of it slower
        first, last = sorted(map(_factor, ends))
        end = f"{last:.3g}" if math.isfinite(last) else DNF
        return f"{_times(ratio.value)} ({first:.3g} to {end})"
    return f"{_times(ratio.value)} ({_times(ratio.low)} to {_times(ratio.high)})"


def _factor(ratio: float) -> float:
    """How many times as fast or as slow, at least 1; infinity for one that missed."""
    return math.inf if ratio == 0 else max(ratio, 1 / ratio)


def _times(ratio: float) -> str:
    """A speed-up in words: `2x faster`, `1.5x slower`."""
    factor = _factor(ratio)
    if math.isinf(factor):
        return DNF
    if f"{factor:.3g}" == "1":
        return "as fast"
    return f"{factor:.3g}x {'faster' if ratio > 1 else 'slower'}"


def text(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a plain table with aligned columns."""
    widths = [max(map(width_of, each)) for each in zip(head, *rows, strict=True)]
    return [
        "  ".join(
            column(cell, width, right=index != 1)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table; characters that could end a cell are escaped."""
    lines = [[cell.replace("\\", "\\\\").replace("|", "\\|") for cell in row] for row in rows]
    ruler = ["---:" if index != 1 else "---" for index in range(len(head))]
    return [f"| {' | '.join(row)} |" for row in (list(head), ruler, *lines)]


def latex(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a LaTeX `tabular` with the rules of the package booktabs."""
    columns = "".join("l" if index == 1 else "r" for index in range(len(head)))
    lines = [" & ".join(map(_escaped, row)) + r" \\" for row in (head, *rows)]
    return [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        lines[0],
        r"\midrule",
        *lines[1:],
        r"\bottomrule",
        r"\end{tabular}",
    ]


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def _escaped(cell: str) -> str:
    return "".join(_LATEX.get(character, character) for character in cell)
