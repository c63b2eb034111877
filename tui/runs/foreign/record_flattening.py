"""Flatten records of named values, as in JSON lines and W&B files."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.interpreter import Interpreter
from tui.runs.foreign.record_columns import Piece, of_records

MAX_DEPTH = 4
MAX_VALUES = 5000
"""Maximum number of values in one record."""
_decode = msgspec.json.Decoder().decode

Record = dict[str, Any]


def parse(text: bytes) -> Any:
    """A JSON value, also with the NaN and Infinity that Python writes. Raises ValueError."""
    try:
        return _decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _flat(record: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, dict):
            if depth < MAX_DEPTH and "_type" not in value:
                yield from _flat(value, f"{prefix}{key}/", depth + 1)
        elif isinstance(value, list):
            if len(value) == 1 and not isinstance(value[0], list | dict):
                yield f"{prefix}{key}", value[0]
        elif value is not None:
            yield f"{prefix}{key}", value


class Records:
    """What readers of records share: records are flattened and interpreted in pieces."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._opening: frozenset[str] | None = None
        """The fields of the first record, if they were settings: they mark a new beginning."""
        self._left_out = 0
        self._lists: set[str] = set()
        self._count = 0

    def flat(self, record: Record) -> Record:
        """The values of a record by their path: `train/loss` for {"train": {"loss": 1}}.

        A list of one value counts as the value; longer ones are left out, with a word.
        """
        for value in record.values():
            if isinstance(value, dict | list):
                break
        else:
            return record if len(record) <= MAX_VALUES else self._cut(record)
        for key, value in record.items():
            if isinstance(value, list) and len(value) != 1 and len(self._lists) < 20:
                self._lists.add(key)
        return self._cut(dict(_flat(record)))

    def _cut(self, record: Record) -> Record:
        if len(record) <= MAX_VALUES:
            return record
        self._left_out += len(record) - MAX_VALUES
        return dict(list(record.items())[:MAX_VALUES])

    def take(self, records: Sequence[Record], builder: EventBuilder) -> None:
        """Report some records, flat ones. Raises ReadAgain."""
        pieces, begin = [], 0
        begins = False
        for number, record in enumerate(records):
            if self._opening is None and not self._count:
                self._opening = frozenset(record)
            elif self._opening == record.keys() and self._is_opening(record):
                pieces.append(Piece(number - begin, of_records(records[begin:number]), begins))
                begin, begins = number, True
            self._count += 1
        pieces.append(Piece(len(records) - begin, of_records(records[begin:]), begins))
        self._interpreter.take(pieces, builder)
        builder.say_count(
            f"more than {MAX_VALUES:,} values in one record are left out", self._left_out
        )
        for key in sorted(self._lists):
            builder.say("info", f"the field {key!r} holds lists: it is left out")

    def _is_opening(self, record: Record) -> bool:
        """Whether a record has settings as the first one had, and no step."""
        return self._interpreter.plan.step is not None and self._interpreter.plan.step not in record
