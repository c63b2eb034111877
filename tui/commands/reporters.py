"""Reports on a run without the app: lines for people, a bar on a terminal, JSON for programs."""

import json
import shutil
import sys
from abc import ABC, abstractmethod
from typing import Any

import click

from engine.config import configure, estimate
from engine.config.configure import Plan
from engine.runs.events import AnyEvent, Evaluation, LogLine
from engine.runs.run_directory import RunDir
from presets.schema import RunConfig
from tui.runs.alerts.alerts import Alert
from tui.runs.state import summary
from tui.runs.state.store import RunState
from tui.text import clean, count, duration, file_size, number

SUCCESS = ("done", "stopped")


class Reporter(ABC):
    """The report on one run, to a person or a program."""

    @abstractmethod
    def started(self, run: RunDir, config: RunConfig, plan: Plan) -> None: ...
    @abstractmethod
    def progress(self, state: RunState, events: tuple[AnyEvent, ...]) -> None: ...
    @abstractmethod
    def alert(self, alert: Alert) -> None: ...
    @abstractmethod
    def ended(self, state: RunState, reason: str) -> None: ...


class JsonLines(Reporter):
    """A report of one JSON object a line, in ASCII."""

    def started(self, run: RunDir, config: RunConfig, plan: Plan) -> None:
        self._write(
            "started",
            id=run.id,
            path=str(run.path.absolute()),
            planned_steps=plan.steps,
            steps_per_epoch=plan.steps_per_epoch,
            batch_size=plan.batch_size,
            num_parameters=plan.num_parameters,
            samples=dict(plan.samples),
            estimated_bytes=estimate.needed_bytes(config),
        )

    def progress(self, state: RunState, events: tuple[AnyEvent, ...]) -> None:
        for event in events:
            if isinstance(event, Evaluation):
                self._write(
                    "evaluation",
                    split=event.split,
                    step=event.step,
                    epoch=event.epoch,
                    seconds=event.seconds,
                    **event.values,
                )

    def alert(self, alert: Alert) -> None:
        self._write("alert", alert=alert.kind, step=alert.step, text=alert.text)

    def ended(self, state: RunState, reason: str) -> None:
        facts = summary.summary(state, pid=None)
        kept = (
            "id",
            "path",
            "status",
            "steps",
            "seconds",
            "best",
            "last",
            "test",
            "damaged",
            "unsaved",
        )
        self._write("ended", **{key: facts[key] for key in kept}, reason=reason)

    def _write(self, event: str, **fields: Any) -> None:
        click.echo(json.dumps({"event": event, **fields}))


class Lines(Reporter):
    """A report of one line at the start, one for each evaluation, two at the end."""

    def started(self, run: RunDir, config: RunConfig, plan: Plan) -> None:
        parts = (config.model.name, config.dataset.name, config.optimizer.name)
        click.echo(
            f"{clean(run.id)}: {clean(' + '.join(parts))}, {count(plan.num_parameters)} parameters,"
            f" {count(plan.steps)} steps of {count(plan.batch_size)} samples,"
            f" about {file_size(estimate.needed_bytes(config))} of memory"
        )
        for line in configure.dataset_info(config).cautions:
            click.echo(f"note: {clean(config.dataset.name)}: {clean(line)}")

    def progress(self, state: RunState, events: tuple[AnyEvent, ...]) -> None:
        for event in events:
            if isinstance(event, Evaluation):
                values = ", ".join(
                    f"{event.split} {clean(name)} {number(float(value))}"
                    for name, value in event.values.items()
                )
                where = f"step {event.step}, epoch {number(event.epoch, 3)}"
                click.echo(f"{where}, {duration(event.seconds)}: {values}")
            elif isinstance(event, LogLine) and event.level == "warning":
                click.echo(f"warning: {clean(event.message)}")

    def alert(self, alert: Alert) -> None:
        if alert.level != "information":
            click.echo(f"warning: {alert.kind} at step {alert.step}: {clean(alert.text)}")

    def ended(self, state: RunState, reason: str) -> None:
        test = summary.summary(state, pid=None)["test"]
        values = [f"test {clean(name)} {number(float(value))}" for name, value in test.items()]
        took = f"step {state.step}, {duration(state.elapsed)}"
        # The reason of a failure goes to standard error, once.
        why = f" ({clean(reason)})" if state.status in SUCCESS else ""
        click.echo(f"{state.status}{why}: {', '.join([took, *values])}")
        click.echo(clean(str(state.run.path)))


class Bar(Lines):
    """A report whose progress is one line of the terminal, drawn again and again."""

    def progress(self, state: RunState, events: tuple[AnyEvent, ...]) -> None:
        width = shutil.get_terminal_size().columns - 1  # the last column would wrap the line
        click.echo("\r" + bar(state, width, _blocks()), nl=False)

    def alert(self, alert: Alert) -> None:
        if alert.level != "information":
            click.echo()  # the bar stays above, and is drawn again below
            super().alert(alert)

    def ended(self, state: RunState, reason: str) -> None:
        click.echo()
        super().ended(state, reason)


def _blocks() -> str:
    """A full and an empty cell, in characters that the terminal's encoding has."""
    return "█░" if "utf" in (sys.stdout.encoding or "").lower() else "#."


def bar(state: RunState, width: int, blocks: str) -> str:
    """Exactly `width` characters: the progress of the run, and its newest values if they fit."""
    planned = state.planned_steps or 0
    share = min(1.0, state.step / planned) if planned else 0.0
    words = [f"step {state.step}/{planned or '?'}"]
    if state.started and state.started.steps_per_epoch:
        words.append(f"epoch {state.step / state.started.steps_per_epoch:.1f}")
    words.append(f"train/loss {number(state.recent('train/loss'))}")
    judged = state.judged_by
    words += [f"{judged} {number(state.last(judged))}"] if judged not in ("", "train/loss") else []
    while len(words) > 1 and sum(len(word) + 2 for word in words) + 10 > width:
        words.pop()
    text = "  ".join(words)
    cells = max(0, min(30, width - len(text) - 2))
    filled = round(cells * share)
    drawn = blocks[0] * filled + blocks[1] * (cells - filled)
    return f"{drawn}  {text}"[:width].ljust(width) if cells else text[:width].ljust(width)
