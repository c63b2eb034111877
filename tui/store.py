"""The state of runs, and nothing else that holds it: pure `apply(event)`, no files, no widgets."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from engine.events import (
    AnyEvent,
    Command,
    Evaluation,
    LogLine,
    RunEnded,
    RunStarted,
    Scalars,
)
from engine.rundir import ENDED, RunDir, Status
from tui.series import Series

MAX_LOG_LINES = 500
_SECTIONS = ("model", "dataset", "optimizer", "clip")


@dataclass
class RunState:
    """All that is known of one run. A metric is called as the log calls it: `train/loss`,
    `val/accuracy`, `grad_norm`."""

    run: RunDir
    config: dict[str, Any] = field(default_factory=dict)
    status: Status = "queued"
    started: RunStarted | None = None
    ended: RunEnded | None = None
    metrics: dict[str, Series] = field(default_factory=dict)
    seconds: Series = field(default_factory=Series)
    """Seconds since the start, by step."""
    log: deque[LogLine] = field(default_factory=lambda: deque(maxlen=MAX_LOG_LINES))
    commands: list[Command] = field(default_factory=list)
    damaged: int = 0
    """Lines of the log that were skipped because they were damaged."""

    def apply(self, event: AnyEvent) -> None:
        """Take in one event."""
        match event:
            case Scalars():
                for name, values in event.values.items():
                    self._series(name).extend(event.step, values)
                self.seconds.extend(event.step, event.seconds)
            case Evaluation():
                for name, value in event.values.items():
                    self._series(f"{event.split}/{name}").extend([event.step], [value])
            case RunStarted():
                self.started, self.config = event, _showable(event.config)
            case RunEnded():
                self.ended, self.status = event, event.status
            case LogLine():
                self.log.append(event)
            case Command():
                self.commands.append(event)

    def _series(self, name: str) -> Series:
        return self.metrics.setdefault(name, Series())

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def active(self) -> bool:
        """Whether an engine works on it, or will."""
        return self.status not in ENDED

    @property
    def step(self) -> int:
        """Optimizer steps taken."""
        return int(self.seconds.steps[-1]) if len(self.seconds) else 0

    @property
    def elapsed(self) -> float:
        """Seconds between the start and the newest event."""
        if self.ended is not None:
            return self.ended.seconds
        return self.seconds.last or 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds to the planned end at the pace so far."""
        if self.started is None or not self.step:
            return None
        return self.elapsed / self.step * max(0, self.started.planned_steps - self.step)

    def last(self, metric: str) -> float | None:
        """The newest value of a metric."""
        series = self.metrics.get(metric)
        return series.last if series is not None else None

    def best(self, metric: str) -> tuple[int, float] | None:
        """Step and value at which a metric was best: losses are best small, the rest large."""
        series = self.metrics.get(metric)
        return series.best(largest=not metric.endswith("loss")) if series is not None else None

    def clipped_share(self, window: int = 100) -> float | None:
        """Share of the last `window` steps whose gradient was clipped."""
        series = self.metrics.get("clipped")
        if series is None or not len(series):
            return None
        return float(series.values[-window:].mean())

    def outcome(self) -> str:
        """One line about how the run stands or ended; empty while all is well."""
        if self.ended is not None:
            return self.ended.reason
        if self.status == "crashed":
            return f"the engine died without a word after step {self.step}"
        return ""


def _showable(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration without sections that another version wrote as something else."""
    return {k: v for k, v in config.items() if k not in _SECTIONS or isinstance(v, dict)}
