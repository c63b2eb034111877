"""The table of figures at the end of a test run: what was asked, and what was measured.

@pytest.mark.figure("a fault", asked="0 records lost")
def test_it(measured):
    measured(f"{lost} records lost")
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest

HEAD = ("figure", "asked", "measured", "")
_VERDICTS = {"failed": "FAILED", "skipped": "skipped", "passed": "ok"}
"""The worst first."""


@dataclass(frozen=True)
class Row:
    """One test of a figure; several with the same name are summed up."""

    name: str
    asked: str
    measured: str
    outcome: str
    """`passed`, `failed` or `skipped`."""


def note(item: pytest.Item) -> None:
    """Put a test's figure, if it has one, where its reports have it too."""
    if (mark := item.get_closest_marker("figure")) is not None:
        item.user_properties.append(("figure", (mark.args[0], mark.kwargs["asked"])))


def rows(reports: Iterable[pytest.TestReport]) -> list[Row]:
    """One row for each test that has a figure, in their order."""
    found: dict[str, Row] = {}
    for report in reports:
        facts = dict(report.user_properties)
        if "figure" not in facts or (report.passed and report.when != "call"):
            continue
        name, asked = facts["figure"]
        said = str(facts.get("measured", ""))
        if report.skipped and isinstance(report.longrepr, tuple):
            said = report.longrepr[2].removeprefix("Skipped: ")
        found[report.nodeid] = Row(name, asked, said, report.outcome)
    return list(found.values())


def table(found: Sequence[Row]) -> list[str]:
    """The lines to print; none without rows."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        groups.setdefault((row.name, row.asked), []).append(row)
    cells = [HEAD, *(line for key, group in groups.items() for line in _cells(*key, group))]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells[: len(cells) * bool(groups)]
    ]


def _cells(name: str, asked: str, group: list[Row]) -> list[tuple[str, ...]]:
    """A line for each thing that was said; one for a group of many that said nothing."""
    said = [(row.measured, _VERDICTS[row.outcome]) for row in group if row.measured]
    silent = Counter(row.outcome for row in group if not row.measured)
    if silent:
        words = f"{silent['passed']} of {silent.total()}" if silent.total() > 1 else "-"
        said.append((words, next(_VERDICTS[kind] for kind in _VERDICTS if silent[kind])))
    firsts = [(name, asked), *[("", "")] * (len(said) - 1)]
    return [(*first, *line) for first, line in zip(firsts, said, strict=True)]
