"""How the steps of each tag of a TensorBoard log go on, and what a new process makes void."""

from dataclasses import dataclass

from tui.runs.foreign.event_builder import EventBuilder
from tui.runs.foreign.step_streams import Counting
from tui.runs.foreign.steps_on_one_axis import ANEW, FELL

SIDE_BY_SIDE = "several processes wrote the same metric at the same time: all points are kept"
_MAX_READINGS = 5


class ReadAgain(Exception):  # noqa: N818  # no error: the readers pass it to their follower
    """The log has to be read again from its beginning, since its records mean something else."""


@dataclass
class _Tag:
    counting: Counting
    file: int
    """Number of the newest file that had the tag."""
    moment: float
    """The time of its newest value."""
    base: int = 0
    top: int = 0
    fell: bool = False


class Tags:
    """The tags of one log; which of them begin anew again and again is kept over readings."""

    def __init__(self) -> None:
        self._anew: set[str] = set()
        self._readings = 1
        self.begin_again()

    def begin_again(self) -> None:
        """Expect the first value next."""
        self._tags: dict[str, _Tag] = {}
        self._fallen: set[str] = set()
        self.said: list[str] = []
        """What a person should know of the steps."""

    def forget(self) -> None:
        """Forget everything, since another log stands in its place."""
        self._anew.clear()
        self._readings = 1
        self.begin_again()

    def position(
        self, name: str, file: int, step: int, moment: float, builder: EventBuilder
    ) -> int:
        """The position of a value on the axis."""
        tag = self._tags.get(name)
        if tag is not None and tag.file == file and step > tag.counting.last:  # as nearly always
            counting = tag.counting
            counting.count += 1
            counting.segment += 1
            counting.last = step
            counting.high = max(counting.high, step)
            tag.moment = max(tag.moment, moment)
            return tag.base + step
        if tag is None:
            tag = self._tags[name] = _Tag(Counting(), file, moment)
        elif tag.file != file:
            self._enter_file(tag, name, step, moment, builder)
            tag.file = file
        counting = tag.counting
        if counting.count and step < counting.last:
            self._fallen.add(name)
            if name in self._anew:
                stride = counting.stride if counting.first <= 0 else 0.0
                tag.base += int(counting.last + stride)
                self._tell(ANEW)
            else:
                self._tell(FELL)
        counting.add(step)
        tag.moment = max(tag.moment, moment)
        return min(2**53, tag.base + step)

    def _enter_file(
        self, tag: _Tag, name: str, step: int, moment: float, builder: EventBuilder
    ) -> None:
        """A process of its own wrote this file: if it began after the values of the others, and
        below their steps, those from its first step on are void."""
        counting = tag.counting
        if step > counting.high:
            return
        if moment < tag.moment:
            self._tell(SIDE_BY_SIDE)
        elif not builder.go_back(step, [name]):
            return
        # Its first step is no fall within a file.
        tag.counting = Counting()
        tag.base = 0

    def purge(self, step: int, builder: EventBuilder) -> None:
        """A process began at a step, and said so: what the log had from there on is void."""
        if any(tag.counting.high >= step for tag in self._tags.values()):
            builder.go_back(step)
            for tag in self._tags.values():
                tag.counting = Counting()
                tag.base = 0

    def _tell(self, message: str) -> None:
        if message not in self.said:
            self.said.append(message)

    def check(self) -> None:
        """Raises ReadAgain if a tag turned out to begin anew again and again, or not to."""
        changed = {
            name
            for name in self._fallen
            if self._tags[name].counting.begins_anew != (name in self._anew)
        }
        if changed and self._readings < _MAX_READINGS:
            self._readings += 1
            self._anew ^= changed
            raise ReadAgain("a counter begins again")
