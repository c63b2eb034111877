"""Records of named values, as JSON lines and W&B have them: flattened, with step and time found."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tui.runs.foreign import fields
from tui.runs.foreign.event_builder import Book
from tui.text import real

MAX_DEPTH = 4
MAX_VALUES = 5000
"""In one record."""
COUNTED = "steps begin again in each epoch: they are counted on"
_NON_FINITE = {"nan", "inf", "-inf", "infinity", "-infinity"}
_decode = msgspec.json.Decoder().decode


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


def numbers(
    record: Mapping[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, float]]:
    """The numbers of a record by their path: `train/loss` for {"train": {"loss": 1}}."""
    for key, value in record.items():
        if isinstance(value, float):
            yield f"{prefix}{key}", value
        elif isinstance(value, int) and not isinstance(value, bool):
            if (number := real(value)) is not None:
                yield f"{prefix}{key}", number
        elif isinstance(value, str) and value.lower() in _NON_FINITE:
            yield f"{prefix}{key}", float(value)
        elif isinstance(value, dict) and depth < MAX_DEPTH and "_type" not in value:
            yield from numbers(value, f"{prefix}{key}/", depth + 1)


class Stepper:
    """Finds step and time of records that need not have the same fields."""

    def __init__(self) -> None:
        self._step: str | None = None
        self._time: str | None = None
        self._epoch: str | None = None
        self._count = fields.Counter()
        self._row = 0
        self.last_step = 0
        """That of the newest record."""
        self._fields: set[str] = set()

    def tell(self, record: dict[str, Any], values: dict[str, float], book: Book) -> bool:
        """Write a record into the book; False if its step is none."""
        self._row += 1
        new = record.keys() - self._fields
        if new and len(self._fields) < MAX_VALUES:
            self._fields |= new
            self._choose(record, book)
        step: int | None = self._row if self._step is None else self.last_step
        if self._step in record:
            step = fields.step(record[self._step])
            if step is not None and self._epoch in record:
                step = self._count(step, real(record[self._epoch]))
        if step is None:
            return False
        if self._count.wrapped:
            book.say("info", COUNTED)
        self.last_step = step
        moment = fields.moment(record.get(self._time)) if self._time else None
        for key, value in values.items():
            if key not in (self._step, self._time) and key not in fields.NO_METRIC:
                book.point(key, step, moment, value)
        return True

    def _choose(self, record: dict[str, Any], book: Book) -> None:
        """A better name for the step than the one known so far may come with a later record."""
        step = fields.find(fields.STEPS, self._fields)
        epoch = fields.find(fields.EPOCHS, self._fields)
        self._epoch = epoch if epoch != step else None
        if step is not None and step != self._step:
            self._step = step
            book.say("info", f"the step is the field {step}")
        if self._time is None:
            self._time = fields.find(fields.TIMES, record)

    @property
    def counted(self) -> bool:
        """Whether records are counted, because they have no step."""
        return self._step is None

    def forget(self) -> None:
        """The log was written anew."""
        self._row = self.last_step = 0
        self._count = fields.Counter()
