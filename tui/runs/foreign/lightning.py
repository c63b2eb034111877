"""Lightning's CSVLogger: settings and `metrics.csv`, rewritten whenever a metric is added."""

from pathlib import Path

from tui.runs.foreign import lightning_hparams
from tui.runs.foreign.csv_table import CsvReader
from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.interpreter import Interpreter


class LightningReader(CsvReader):
    """A reader of a `version_N` folder."""

    def __init__(self, path: Path, interpreter: Interpreter) -> None:
        super().__init__(path, interpreter)
        self._begun = False

    def read(self, builder: EventBuilder) -> bool:
        """Read a piece, settings first; returns whether more can be read at once."""
        if not self._begun:
            self._begun = True
            lightning_hparams.tell(self.path.parent, builder)
        return super().read(builder)
