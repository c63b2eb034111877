"""Flatten records of named values, as in JSON lines and W&B files, and find their step and time."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tui.runs.foreign import fields
from tui.runs.foreign.event_builder import EventBuilder
from tui.text import real

MAX_DEPTH = 4
MAX_VALUES = 5000
"""Maximum number of values in one record."""
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
    """A finder of step and time in records that need not have the same fields."""

    def __init__(self) -> None:
        self._step: str | None = None
        self._time: str | None = None
        self._epoch: str | None = None
        self._count = fields.Counter()
        self._row = 0
        self.last_step = 0
        """The step of the newest record."""
        self._fields: set[str] = set()

    def tell(self, record: dict[str, Any], values: dict[str, float], builder: EventBuilder) -> bool:
        """Add a record to the builder; False if its step is not a number."""
        self._row += 1
        new = record.keys() - self._fields
        if new and len(self._fields) < MAX_VALUES:
            self._fields |= new
            self._choose(record, builder)
        step: int | None = self._row if self._step is None else self.last_step
        if self._step in record:
            step = fields.step(record[self._step])
            if step is not None and self._epoch in record:
                step = self._count(step, real(record[self._epoch]))
        if step is None:
            return False
        if self._count.wrapped:
            builder.say("info", COUNTED)
        self.last_step = step
        moment = fields.moment(record.get(self._time)) if self._time else None
        for key, value in values.items():
            if key not in (self._step, self._time) and key not in fields.NO_METRIC:
                builder.point(key, step, moment, value)
        return True

    def _choose(self, record: dict[str, Any], builder: EventBuilder) -> None:
        """Choose the fields of step, epoch and time; a later record may bring a better one."""
        step = fields.find(fields.STEPS, self._fields)
        epoch = fields.find(fields.EPOCHS, self._fields)
        self._epoch = epoch if epoch != step else None
        if step is not None and step != self._step:
            self._step = step
            builder.say("info", f"the step is the field {step}")
        if self._time is None:
            self._time = fields.find(fields.TIMES, record)

    @property
    def counted(self) -> bool:
        """Whether records are counted, because they have no step."""
        return self._step is None

    def forget(self) -> None:
        """Begin again, since the log was rewritten."""
        self._row = self.last_step = 0
        self._count = fields.Counter()
