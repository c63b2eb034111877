"""Lightning's CSVLogger: `metrics.csv`, written anew whenever a metric is added, and settings."""

from pathlib import Path

from tui.runs.foreign import hparams
from tui.runs.foreign.csv_table import CsvReader
from tui.runs.foreign.event_builder import Book


class LightningReader(CsvReader):
    """Reads a `version_N` folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._begun = False

    def read(self, book: Book) -> bool:
        """Read a piece, settings first; returns whether there may be more at once."""
        if not self._begun:
            self._begun = True
            hparams.tell(self.path.parent, book)
        return super().read(book)
