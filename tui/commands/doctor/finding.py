"""What the doctor found: a name, what is there, and what to do if that is no good."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str
    level: Level
    """`note`: it works, and could be better."""
    found: str
    advice: str = ""

    def facts(self) -> dict[str, Any]:
        """For a program."""
        return asdict(self)


def judge(name: str, found: str, problem: str = "", note: str = "") -> Finding:
    """A finding whose advice tells how bad it is: a problem, else a note, else all is well."""
    level: Level = "problem" if problem else "note" if note else "ok"
    return Finding(name, level, found, problem or note)
