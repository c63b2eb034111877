"""Tables that the W&B site exports from a panel: several runs beside each other in one file."""

from pathlib import Path

from tui.runs.foreign.csv_table import CsvReader, Row


class ExportReader(CsvReader):
    """One run of a table that the W&B site exports: columns `RUN - METRIC`, and bounds of each."""

    def __init__(self, path: Path, run: str) -> None:
        super().__init__(path)
        self._run = run

    def metrics(self, header: Row) -> dict[int, str]:
        return {
            i: metric
            for i, name in enumerate(header)
            if (split := run_and_metric(name)) and split[0] == self._run
            for metric in split[1:]
        }


_BOUNDS = ("__MIN", "__MAX")


def run_and_metric(column: str) -> tuple[str, str] | None:
    """What a column of a W&B export is about; None for others.

    The site thins curves; the bounds of what it left out would hide them behind each other.
    """
    run, dash, metric = column.rpartition(" - ")
    return (run, metric) if dash and run and metric and not metric.endswith(_BOUNDS) else None


def exported_runs(header: Row) -> list[str]:
    """The runs of a W&B export, in order; none if it is another table."""
    bounds = any(name.endswith(_BOUNDS) for name in header)
    split = [run_and_metric(name) for name in header]
    return list(dict.fromkeys(found[0] for found in split if found)) if bounds else []
