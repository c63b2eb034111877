"""What every kind of sample offers to the panel that shows it."""

from collections.abc import Sequence
from typing import Protocol

from rich.text import Text

from tui.panels.panel import Panel
from tui.runs.state.store import RunState
from tui.text import clean, count


class OfStep(Protocol):
    """An event of a kind that a run has many of."""

    @property
    def step(self) -> int: ...


class Kind:
    """A kind of sample, and the place in it that a person looks at.

    The panel gives colours and asks the kind that the run has; keys come here as `move` (up and
    down), `turn` (to earlier or later evaluations) and `along` (left and right).
    """

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.height = 1
        """How many lines were shown last."""

    def of(self, state: RunState) -> bool:
        """Whether the run has samples of this kind."""
        raise NotImplementedError

    def heading(self, state: RunState) -> Text:
        """The words in the title line."""
        raise NotImplementedError

    def body(self, state: RunState, width: int, height: int) -> Sequence[Text]:
        """At most `height` lines of at most `width` cells."""
        raise NotImplementedError

    def move(self, state: RunState, by: int) -> None:
        """Show other lines."""
        raise NotImplementedError

    def turn(self, state: RunState, by: int) -> None:
        """Go to an earlier evaluation, or a later one if `by` is negative."""
        self.move(state, by * max(1, self.height - 1))

    def along(self, state: RunState, by: int) -> bool:
        """Go on within a sample; False if this kind has nothing to go through."""
        return False

    def color(self, variable: str) -> str:
        """A colour of the theme as #rrggbb."""
        return self.panel.color(variable)

    @property
    def marked(self) -> bool:
        """Whether what colours say has to be said by characters, too."""
        return self.panel.plain or self.panel.colorless


class Place:
    """A place in what a run wrote at its evaluations: the newest one until somebody turns back."""

    def __init__(self) -> None:
        self.shown: tuple[int, str] | None = None
        """Step and split of what is shown; None for the newest one."""

    def at(self, events: Sequence[OfStep]) -> int:
        """The index of what is shown among events, newest first."""
        known = [_key(event) for event in events]
        return known.index(self.shown) if self.shown in known else 0

    def turn(self, events: Sequence[OfStep], by: int) -> None:
        """Go to the event that is `by` places earlier."""
        self.stay(events, max(0, min(len(events) - 1, self.at(events) + by)))

    def stay(self, events: Sequence[OfStep], at: int, *, always: bool = False) -> None:
        """Show the event at this place also when newer ones come; the newest only if `always`."""
        self.shown = _key(events[at]) if at or always else None

    def told(self, events: Sequence[OfStep]) -> str:
        """Which of them is shown, and how the others are reached; "" if there is one only."""
        if len(events) < 2:
            return ""
        return f", {count(self.at(events) + 1)} of {count(len(events))}, Page Down: earlier"


def _key(event: OfStep) -> tuple[int, str]:
    """At the end of a run, both the validation and the test set have something of one step."""
    return event.step, getattr(event, "split", "")


def printable(text: str) -> str:
    """The text with everything unprintable made visible, but with its line ends."""
    return "\n".join(clean(line) for line in text.split("\n"))
