"""Filters for runs, such as `optimizer.name=adam lr>=1e-3 val/accuracy>0.97 tag=best digits`; pure.

Terms are separated by spaces, and all have to hold. A term is a key, an operator and a value, or a
word that occurs in what is shown of the run. Values with spaces are put in double quotes.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from presets import UserError
from tui.text import real

_TERM = re.compile(
    r"""(?P<key>[^\s"=<>!~]+)\s*(?P<op>>=|<=|!=|==?|>|<|~)\s*(?P<value>"[^"]*"|[^\s"]*)
    |(?P<quoted>"[^"]*")
    |(?P<word>[^\s"=<>!~]+)""",
    re.VERBOSE,
)
_EXAMPLE = "such as optimizer.name=adam lr>=1e-3 val/accuracy>0.97"
_ORDER: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}


class Facts(Protocol):
    """The facts of a run that a filter asks for."""

    @property
    def text(self) -> str:
        """The text in which words are searched, in lower case."""

    def values(self, key: str) -> Sequence[Any]:
        """The values of the run under a key: none, one, or several as with tags."""


@dataclass(frozen=True)
class Word:
    """A word that has to occur in what is shown of the run."""

    text: str

    def matches(self, facts: Facts) -> bool:
        return self.text.lower() in facts.text

    def __str__(self) -> str:
        return f'"{self.text}"' if not _is_plain_word(self.text) else self.text


@dataclass(frozen=True)
class Comparison:
    """A comparison of a setting, a metric or a property of the run with a value."""

    key: str
    op: str
    """One of = != >= <= > < and ~, which means "contains"."""
    value: str

    def matches(self, facts: Facts) -> bool:
        found = facts.values(self.key)
        if self.op == "!=":
            return not any(_equal(value, self.value) for value in found)
        return any(self._holds(value) for value in found)

    def _holds(self, found: Any) -> bool:
        if self.op == "=":
            return _equal(found, self.value)
        if self.op == "~":
            return self.value.lower() in _text(found)
        have, want = real(found), real(self.value)
        return have is not None and want is not None and _ORDER[self.op](have, want)

    def __str__(self) -> str:
        quoted = f'"{self.value}"' if re.search(r"\s", self.value) or not self.value else self.value
        return f"{self.key}{self.op}{quoted}"


@dataclass(frozen=True)
class Query:
    """A filter, all of whose terms have to hold; without terms, every run matches."""

    terms: tuple[Word | Comparison, ...] = ()

    def matches(self, facts: Facts) -> bool:
        """Whether a run passes the filter."""
        return all(term.matches(facts) for term in self.terms)

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))


def parse(text: str) -> Query:
    """Parse a filter that a person typed. Raises UserError."""
    terms: list[Word | Comparison] = []
    rest = text.strip()
    while rest:
        match = _TERM.match(rest)
        if match is None:
            raise UserError(f"filter: expected a key or a word before {rest[:20]!r}, {_EXAMPLE}")
        terms.append(_term(match))
        rest = rest[match.end() :].lstrip()
    return Query(tuple(terms))


def _term(match: re.Match[str]) -> Word | Comparison:
    key, op = match["key"], match["op"]
    if key is None:
        return Word(match["word"] or match["quoted"][1:-1])
    value = match["value"]
    if not value:
        raise UserError(f"filter: expected a value after {key}{op}, {_EXAMPLE}")
    value = value[1:-1] if value.startswith('"') else value
    if op in _ORDER and real(value) is None:
        raise UserError(f"filter: expected a number after {key}{op}, got {value!r}")
    return Comparison(key, "=" if op == "==" else op, value)


def _is_plain_word(text: str) -> bool:
    match = _TERM.fullmatch(text)
    return match is not None and match["word"] is not None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "-".join(map(str, value)).lower()
    return str(value).lower()


def _equal(found: Any, wanted: str) -> bool:
    have, want = real(found), real(wanted)
    if have is not None and want is not None and have == want:
        return True
    return _text(found) == wanted.lower()
