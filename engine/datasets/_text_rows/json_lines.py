"""JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.datasets._text_rows.row_file import MARK, MAX_RECORD, Cells, Opened, fault
from engine.runs.safe_file_access import open_regular


class JsonLines:
    """One JSON object a line; what is inside an object has a name such as `translation.en`."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self.path = path
        self.header = True
        self.first: Sequence[Sequence[str]] = ()
        self.names = list(names)
        self._open = Opened(path)

    def rows(self) -> Iterator[Cells]:
        with open_regular(self.path) as file:
            place = 0
            for line, data in enumerate(iter(lambda: file.readline(MAX_RECORD), b""), start=1):
                if data.strip():
                    yield Cells(place, len(data), line, self._cells(data, line))
                place += len(data)

    def read(self, place: int, size: int) -> Sequence[str]:
        return self._cells(self._open.at(place, size), 0)

    def _cells(self, data: bytes, line: int) -> list[str]:
        found = flat(parsed(data, self.path, line))
        for name in self.names:
            if name not in found:
                raise fault(self.path, line, f"has no {name!r}; expected it, as the first line has")
        return [as_text(found[name]) for name in self.names]


def parsed(data: bytes, path: Path, line: int) -> dict[str, Any]:
    """The object of a line of JSON."""
    try:
        found = msgspec.json.decode(data.removeprefix(MARK))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise fault(path, line, f"expected one JSON object ({error})") from None
    if not isinstance(found, dict):
        raise fault(path, line, "expected one JSON object, not a list of them or a plain value")
    return found


def flat(given: dict[str, Any], before: str = "") -> dict[str, Any]:
    """The values of an object by name, those of objects inside as `outer.inner`."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, dict):
            found |= flat(value, f"{before}{name}.")
        else:
            found[before + name] = value
    return found


def as_text(value: object) -> str:
    """A value as a cell; a list of texts line by line; "" for none."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(map(as_text, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
