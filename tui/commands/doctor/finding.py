"""A finding of the doctor: a name, what was found, and what to do about it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """A line of the doctor's report."""

    name: str
    level: Level
    """`note`: it works, and could be better."""
    found: str
    advice: str = ""

    def facts(self) -> dict[str, Any]:
        """The finding as plain data for JSON."""
        return asdict(self)


def judge(name: str, found: str, problem: str = "", note: str = "") -> Finding:
    """A finding with the advice for its problem, else its note; without either, it is ok."""
    level: Level = "problem" if problem else "note" if note else "ok"
    return Finding(name, level, found, problem or note)
