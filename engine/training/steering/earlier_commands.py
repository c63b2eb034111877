"""Earlier commands to a run, as its log tells them to the engine that continues it."""

from collections.abc import Collection

from engine.runs.control import Command, Refused, taken
from engine.runs.events import AnyEvent, CommandAnswered, Restarted, StateChanged
from engine.runs.log_reader import LogReader
from engine.runs.run_directory import RunDir


class Past:
    """The commands in the log of a run, and whether the log ends in a pause; read once."""

    def __init__(self, run: RunDir) -> None:
        """Raises OSError if the log exists but cannot be read."""
        self._applied: dict[str, CommandAnswered] = {}
        """The applied `set` commands, by id."""
        self._accepted: dict[str, int] = {}
        self._finished: set[str] = set()
        self.paused: StateChanged | None = None
        """The pause in which the engine of the run died; None if the run was not paused then."""
        reader = LogReader(run.events_path)
        while events := reader.read():
            for event in events:
                self._take_in(event)
        self.unanswered: list[Command | Refused] = taken(run, but=self._finished)
        """Commands that an engine took from the folder, but could not obey before it died."""

    def _take_in(self, event: AnyEvent) -> None:
        match event:
            case CommandAnswered():
                self._take_in_command(event)
            case StateChanged():
                self.paused = event if event.state == "paused" else None
            case Restarted():
                self.paused = None

    def _take_in_command(self, event: CommandAnswered) -> None:
        if event.outcome == "accepted":
            self._accepted[event.id] = event.step
            return
        self._finished.add(event.id)
        if event.outcome == "applied" and event.command == "set":
            self._applied.pop(event.id, None)
            self._applied[event.id] = event

    def answered(self, command_id: str) -> bool:
        """Whether this command was applied or rejected."""
        return command_id in self._finished

    def accepted_at(self, command_id: str) -> int:
        """The step at which a command was first accepted; 0 if it never was."""
        return self._accepted.get(command_id, 0)

    def applied_after(self, known: Collection[str]) -> list[CommandAnswered]:
        """The applied `set` commands whose ids are not in `known`, in the order of their steps."""
        known = frozenset(known)
        found = [event for key, event in self._applied.items() if key not in known]
        return sorted(found, key=lambda event: event.step)
