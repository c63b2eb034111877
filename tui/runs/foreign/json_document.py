"""A JSON file that is one value: Keras' `History.history`, or a list of records."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.runs.safe_file_access import open_regular
from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.growing_file import SETTLED_SECONDS
from tui.runs.foreign.interpreter import Interpreter
from tui.runs.foreign.record_flattening import Record, Records, parse
from tui.runs.foreign.text_encoding import TextForm, form_of

MAX_BYTES = 2**26
"""Maximum size of a document, which is read as a whole."""
_STEP = "step"
_SETTINGS_DEPTH = 6
_SERIES_DEPTH = 2
_WRAPPERS = ("history", "metrics", "logs", "log")
"""Names around the metrics that say nothing of them."""

Facts = tuple[int, int, int]


class JsonDocumentReader:
    """A reader of a document that its program may write anew."""

    def __init__(self, path: Path, interpreter: Interpreter) -> None:
        self._path = path
        self._interpreter = interpreter
        self._seen: Facts | None = None
        self._told = False
        self.damaged = 0
        """Number of times that the document could not be read, though nobody wrote it."""
        self.changed_at = 0.0

    def read(self, builder: EventBuilder) -> bool:
        """Read the document if it has changed. Raises OSError, ReadAgain."""
        facts = self._path.stat()
        self.changed_at = facts.st_mtime
        seen = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        if seen == self._seen:
            return False
        if facts.st_size > MAX_BYTES:
            self._seen, self.damaged = seen, 1
            builder.say("error", f"larger than {MAX_BYTES // 2**20} MiB: not read")
            return False
        document = self._document()
        if document is None:
            settled = time.time() - facts.st_mtime > SETTLED_SECONDS
            self.damaged = int(settled or time.time() - facts.st_mtime > 2.0)
            return False
        self._seen, self.damaged = seen, 0
        if self._told:
            builder.restart("read anew: the file was rewritten")
            self._interpreter.forget()
        self._told = True
        records, settings = records_of(document)
        if settings:
            builder.begin(settings)
        if records:
            shared = Records(self._interpreter)
            shared.take([shared.flat(record) for record in records], builder)
        else:
            builder.say("warning", "no series of numbers and no list of records was found")
        return False

    def _document(self) -> Any:
        try:
            return parse(path_text(self._path))
        except ValueError:
            return None


def path_text(path: Path) -> bytes:
    """The text of a document as UTF-8. Raises OSError."""
    with open_regular(path) as file:
        data = file.read(MAX_BYTES)
    form = form_of(data) or TextForm()
    data = data[form.mark :]
    return data if form.encoding == "utf-8" else data.decode(form.encoding, "replace").encode()


def records_of(document: Any, depth: int = 0) -> tuple[list[Record], Record]:
    """The records of a document, and what stands beside them."""
    if isinstance(document, list):
        return [each for each in document if isinstance(each, dict)], {}
    if not isinstance(document, dict):
        return [], {}
    series = dict(_series(document))
    lengths = Counter(map(len, series.values()))
    if series and lengths.most_common(1)[0][0] > 1:
        longest = max(map(len, series.values()))
        records: list[Record] = [
            {key: values[place] for key, values in series.items() if place < len(values)}
            for place in range(longest)
        ]
        known = {name.partition("/")[0] for name in series}
        known |= set(_WRAPPERS)
        return records, {key: value for key, value in document.items() if key not in known}
    if document and all(isinstance(each, dict) for each in document.values()):
        records = _by_key(document)
        if records:
            return records, {}
    if depth < _SETTINGS_DEPTH:
        for key, value in document.items():
            if isinstance(value, list | dict):
                records, beside = records_of(value, depth + 1)
                if records:
                    rest = {name: each for name, each in document.items() if name != key}
                    return records, rest | beside
    return [], document


def _by_key(document: Record) -> list[Record]:
    """The records of {"1": {"loss": 0.5}, "2": ...}, and of what pandas writes:
    {"loss": {"0": 1.0, "1": 0.5}}."""
    if all(key.lstrip("-").isdigit() for key in document):
        return [{_STEP: int(key), **each} for key, each in document.items()]
    keys = {tuple(each) for each in document.values()}
    values = (value for each in document.values() for value in each.values())
    if (
        len(keys) == 1
        and all(key.isdigit() for key in next(iter(keys)))
        and all(map(_plain, values))
    ):
        return records_of({key: list(each.values()) for key, each in document.items()})[0]
    return []


def _series(document: Record, depth: int = 0) -> Iterator[tuple[str, list[Any]]]:
    """The lists of numbers in a document, by their path: `train/loss`."""
    for key, value in document.items():
        if isinstance(value, list) and value and all(map(_plain, value)):
            yield key, value
        elif isinstance(value, dict) and depth < _SERIES_DEPTH:
            for name, series in _series(value, depth + 1):
                yield (name if key in _WRAPPERS else f"{key}/{name}"), series


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, int | float | str)
