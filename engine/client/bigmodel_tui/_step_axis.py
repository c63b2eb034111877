"""Puts the steps that a loop logs on one rising axis, whatever its counters do."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(slots=True)
class _Counter:
    """How the steps of one metric went so far."""

    at: int
    """Its newest step on the axis."""
    first: int
    """The loop's number with which its counter began, or began anew."""
    last: int
    """The loop's newest number."""
    stride: int = 1
    """The newest distance between two of them."""
    apart: bool = False
    """Whether it counts something else, such as epochs, and stands where it was logged."""

    def take(self, step: int, at: int) -> None:
        """Take in another log of this metric."""
        if step < self.last:
            self.first = step
        elif step > self.last:
            self.stride = step - self.last
        self.at, self.last = at, step


class Place(NamedTuple):
    """Where a log belongs."""

    step: int
    """On the axis. Never below an earlier one of the same metric."""
    said: str = ""
    """One line about a number that went back; "" for all others."""
    about: str = ""
    """The kind of what is said."""


class Axis:
    """Judges each metric by its own past, so that a counter of its own takes nothing from others.

    - The steps of a metric begin anew, as an index in an epoch does: they are counted on.
    - A metric that begins with 0 or 1, or the number of the epoch, while others are ahead counts
      epochs: it always stands at the step at which it was logged.
    - Any other metric behind the rest, such as a late evaluation, stands where the loop says.
    """

    def __init__(self, steps_per_epoch: int | None = None) -> None:
        self.newest = -1
        """The largest step so far; -1 before the first."""
        self._per_epoch = steps_per_epoch
        self._base = 0
        """What is added to the loop's numbers."""
        self._counters: dict[str, _Counter] = {}

    def place(self, step: int, names: Collection[str]) -> Place:
        """The place of values with these names that the loop logs at a step >= 0."""
        if self._rises(step, names):
            return Place(self.newest)
        counters = self._counters
        known = [counter for name in names if (counter := counters.get(name)) is not None]
        here, own = self._base + step, max((counter.at for counter in known), default=-1)
        place = Place(here)
        if not names:
            place = Place(max(here, self.newest))
        elif any(counter.apart for counter in known):
            place = Place(self.newest)
        elif here < own or here == own < self.newest:
            place = self._begin_anew(step, max(known, key=lambda counter: counter.at))
        elif here < self.newest:
            place = self._behind(step, names, known)
        for name in names:
            counter = counters.get(name)
            if counter is None:
                counters[name] = _Counter(place.step, step, step, apart=place.about == "apart")
            else:
                counter.take(step, place.step)
                counter.apart |= place.about == "apart"
        self.newest = max(self.newest, place.step)
        return place

    def _rises(self, step: int, names: Collection[str]) -> bool:
        """Take in what is known and not behind anything: nearly every log, so it is quick."""
        here = self._base + step
        if here < self.newest or not names:
            return False
        counters = [self._counters.get(name) for name in names]
        for counter in counters:
            if counter is None or counter.apart:
                return False
        for counter in counters:
            counter.take(step, here)  # type: ignore[union-attr]
        self.newest = here
        return True

    def _begin_anew(self, step: int, counter: _Counter) -> Place:
        """Count on, one stride after the last step of the counter that fell."""
        before = counter.at
        if step > counter.first + counter.stride:  # back to somewhere in between
            self._base = before + 1 - step
        elif self._per_epoch:
            done = before if counter.first == 0 else before - 1
            self._base = (done // self._per_epoch + 1) * self._per_epoch
        else:
            self._base = before + counter.stride - counter.first
        self._base = max(self._base, before + 1 - step)
        here = self._base + step
        fell = f"step {step} after step {counter.last}"
        return Place(here, f"{fell}: steps begin anew, and are counted on from {here}", "anew")

    def _behind(self, step: int, names: Collection[str], known: list[_Counter]) -> Place:
        """The place of metrics whose own numbers did not fall, while others are further."""
        some = ", ".join(sorted(names)[:3])
        fell = f"{some}: step {step} after step {self.newest}"
        per_epoch = self._per_epoch or 0
        epochs = self.newest in (step * per_epoch, (step + 1) * per_epoch)
        if not known and (step <= 1 or epochs):
            line = f"{fell} counts something else: shown at the step at which it was logged"
            return Place(self.newest, line, "apart")
        return Place(self._base + step, f"{fell}: shown at step {self._base + step}", "behind")
