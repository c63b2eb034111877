"""Turn events other than values into marks on curves and lines for people; pure."""

from dataclasses import dataclass
from typing import Any, Literal

from engine.runs.events import (
    AnyEvent,
    CheckpointSaved,
    CommandAnswered,
    Gap,
    LogLine,
    NonFinite,
    Restarted,
    RunEnded,
    RunStarted,
    StateChanged,
)
from engine.runs.run_directory import ended_status
from tui.runs.foreign.withdrawn import Withdrawn
from tui.text import count, file_size, number

MarkKind = Literal["command", "checkpoint", "restart", "non-finite", "gap"]
Level = Literal["info", "good", "warning", "error"]


@dataclass(frozen=True)
class Mark:
    """A mark on the curves of a run at a step."""

    step: int
    kind: MarkKind
    text: str


@dataclass(frozen=True)
class Note:
    """A line of a run's history; its text is as untrusted as the log."""

    time: float
    """Seconds since the epoch."""
    level: Level
    text: str


def note_of(event: AnyEvent) -> Note | None:
    """The line of the history for an event; None for events that the curves show."""
    said = _say(event)
    return Note(event.time, *said) if said else None


def _say(event: AnyEvent) -> tuple[Level, str] | None:
    said: tuple[Level, str] | None = None
    match event:
        case LogLine():
            said = event.level, event.message
        case CommandAnswered():
            said = _say_command(event)
        case StateChanged():
            words = "paused" if event.state == "paused" else "goes on"
            level: Level = "warning" if event.state == "paused" else "info"
            said = level, f"{words} after step {count(event.step)}: {event.reason}"
        case CheckpointSaved():
            bad = "" if event.finite else ", with weights that are not finite"
            what = f"({event.reason}, {file_size(event.bytes)}{bad})"
            said = "warning" if bad else "info", f"checkpoint {event.name} {what}"
        case RunEnded():
            levels: dict[str, Level] = {"done": "good", "stopped": "warning"}
            level = "error" if event.unsaved else levels.get(event.status, "error")
            words = f"{ended_status(event.status, saved=not event.unsaved)}: {event.reason}"
            said = level, f"{words}; {event.unsaved}" if event.unsaved else words
        case NonFinite():
            said = "error", alarm_line(event)
        case RunStarted() if event.parent is not None:
            parent = event.parent
            where = f"{parent.checkpoint} of {parent.run}"
            said = "info", f"forked from {where} after step {count(parent.step)}"
        case Withdrawn() if event.quiet:
            said = "info", event.reason
        case Restarted() | Gap():
            said = "warning", _say_break(event)
    return said


def _say_break(event: Restarted | Gap) -> str:
    if isinstance(event, Gap):
        steps = f", steps {event.first_step} to {event.last_step}" if event.last_step else ""
        return f"gap: {count(event.records)} records not written{steps}: {event.reason}"
    source = event.checkpoint or "the beginning"
    cut = f", {event.cut_bytes} bytes of a torn line cut" if event.cut_bytes else ""
    return f"restarted ({event.reason}) from {source} after step {count(event.step)}{cut}"


def alarm_line(event: NonFinite) -> str:
    """A line that says which quantity was not finite, where, and what was done about it."""
    value = event.value if isinstance(event.value, str) else number(event.value)
    layer = f", first in {event.layer}" if event.layer else ""
    return f"{event.quantity} is {value} at step {count(event.step)}{layer}: {event.policy}"


def _say_command(event: CommandAnswered) -> tuple[Level, str] | None:
    if event.outcome == "accepted":
        return None  # `applied` or `rejected` follows, and says more
    asked = " ".join([event.command, *_say_arguments(event.arguments)])
    if event.outcome == "rejected":
        return "warning", f"{asked} rejected: {event.reason}"
    what = f": {event.reason}" if event.reason else ""
    return "good", f"{asked} applied at step {count(event.step)}{what}"


def _say_arguments(arguments: dict[str, Any]) -> list[str]:
    return [
        f"{key}={number(value) if isinstance(value, float) else value}"
        for key, value in arguments.items()
        if value is not None
    ]


def mark_of(event: AnyEvent) -> Mark | None:
    """The mark that an event leaves on curves; None if it leaves none."""
    said = _say(event)
    text = said[1] if said else ""
    match event:
        case CommandAnswered() if event.outcome == "applied":
            return Mark(event.step, "command", text)
        case CheckpointSaved():
            return Mark(event.step, "checkpoint", text)
        case Restarted() if not (isinstance(event, Withdrawn) and event.quiet):
            return Mark(event.step, "restart", text)
        case NonFinite():
            return Mark(event.step, "non-finite", text)
        case Gap() if event.last_step:
            return Mark(event.first_step, "gap", text)
        case _:
            return None
