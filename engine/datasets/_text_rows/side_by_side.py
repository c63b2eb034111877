"""Two text files, of which each pair of lines is a row."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from engine.datasets._text_rows.row_file import MARK, Cells, Opened, decoded, fault
from engine.runs.safe_file_access import open_regular


class SideBySide:
    """Two text files with as many lines, `source` and `target`."""

    def __init__(self, source: Path, target: Path) -> None:
        self.path = source
        self.header = True
        self.first: Sequence[Sequence[str]] = ()
        self.names = ["source", "target"]
        self._target = target
        self._files = Opened(source), Opened(target)
        self._places = array("q"), array("q")
        self._sizes = array("q")

    def rows(self) -> Iterator[Cells]:
        """All pairs; where they are in the second file is kept."""
        self._places, self._sizes = (array("q"), array("q")), array("q")
        places = [0, 0]
        with open_regular(self.path) as first, open_regular(self._target) as second:
            for line, (source, target) in enumerate(zip_longest(first, second), start=1):
                if source is None or target is None:
                    longer, shorter = self._target, self.path
                    if target is None:
                        longer, shorter = shorter, longer
                    raise fault(longer, line, f"has no partner: {str(shorter)!r} ends before")
                cells = [
                    decoded(data.removeprefix(MARK), path, line).strip()
                    for data, path in ((source, self.path), (target, self._target))
                ]
                for kept, place in zip(self._places, places, strict=True):
                    kept.append(place)
                self._sizes.append(len(target))
                yield Cells(places[0], len(source), line, cells)
                places[0] += len(source)
                places[1] += len(target)

    def read(self, place: int, size: int) -> Sequence[str]:
        row = bisect_left(self._places[0], place)
        sides = (place, size), (self._places[1][row], self._sizes[row])
        return [
            file.at(*side).removeprefix(MARK).decode().strip()
            for file, side in zip(self._files, sides, strict=True)
        ]
