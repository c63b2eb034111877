"""Tables that the W&B site exports from a panel: several runs side by side in one file."""

from collections.abc import Sequence
from pathlib import Path

from tui.runs.foreign.csv_table import CsvReader
from tui.runs.foreign.interpreter import Interpreter
from tui.runs.foreign.record_columns import Cells


class ExportReader(CsvReader):
    """A reader of one run of such a table, from the columns `RUN - METRIC`."""

    def __init__(self, path: Path, run: str, interpreter: Interpreter) -> None:
        super().__init__(path, interpreter)
        self._run = run

    def metrics(self, columns: dict[str, Cells]) -> dict[str, Cells]:
        found = {}
        for name, cells in columns.items():
            split = run_and_metric(name)
            if split is not None and split[0] == self._run:
                found[split[1]] = cells
            elif split is None and not name.endswith(_BOUNDS):
                found[name] = cells
        return found


_BOUNDS = ("__MIN", "__MAX")


def run_and_metric(column: str) -> tuple[str, str] | None:
    """The run and the metric of a column in a W&B export; None for other columns.

    The site thins curves and adds their bounds; those columns are left out, as they would hide
    the curves.
    """
    run, dash, metric = column.rpartition(" - ")
    return (run, metric) if dash and run and metric and not metric.endswith(_BOUNDS) else None


def exported_runs(header: Sequence[str]) -> list[str]:
    """The runs of a W&B export, in order; [] for any other table."""
    bounds = any(name.endswith(_BOUNDS) for name in header)
    split = [run_and_metric(name) for name in header]
    return list(dict.fromkeys(found[0] for found in split if found)) if bounds else []
