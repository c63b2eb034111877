"""The two lines at the top: which run this is, its status, and how far it has come."""

from collections.abc import Sequence

from rich.text import Text

from engine.runs.run_directory import NOT_SAVED
from tui.panels.panel import Panel
from tui.plots.lane_view import View
from tui.runs.state.store import RunState, section
from tui.text import cells, clean, count, duration, number

STATUS_COLORS = {
    "never started": "warning",
    "queued": "foreground",
    "starting": "accent",
    "running": "primary",
    "paused": "warning",
    "stalled": "error",
    "unreachable": "warning",
    "done": "success",
    "done, not saved": "error",
    "stopped": "warning",
    "stopped, not saved": "error",
    "failed": "error",
    "crashed": "error",
    "growing": "primary",
    "quiet": "foreground",
    "unreadable": "error",
}
_LEAST_BAR = 5
"""Least width of the bar when it makes room for figures, in cells."""
_SHARE = len(" 100%")
_IN_TROUBLE = NOT_SAVED | {"failed", "crashed", "unreadable"}


class ProgressPanel(Panel, can_focus=False):
    """A panel of status, step, epoch, a bar, times, learning rate and throughput."""

    ALLOW_MAXIMIZE = False

    def show_figures(self, view: View) -> None:
        self.show(view)

    def _title_line(self, view: View, width: int) -> Text:
        state = view.focus.state
        line = Text(" ")
        color = self.color(STATUS_COLORS[state.status])
        line.append(f"{state.status}", style=f"bold {color}")
        line.append(f"  {clean(view.focus.label)}", style="bold")
        line.append(f"  {clean(_what(state))}")
        if state.started and state.started.device:
            line.append(f"  on {clean(state.started.device)}", style=self.color("plot-ink"))
        problem = state.outcome() if state.status in _IN_TROUBLE else ""
        if problem:
            line = Text(f" {state.status}: {clean(problem)}", style=f"bold {color}")
        elif said := state.outcome():
            line.append(f"  {clean(said)}", style=self.color("error") if state.unsaved else color)
        if view.alerts:
            number = view.alerts.number
            words = f"! {number} alert{'s' * (number > 1)} {view.alerts.letters} "
            line.truncate(max(0, width - cells(words) - 1), overflow="ellipsis", pad=True)
            line.append(f" {words}", style=f"bold {self.color(view.alerts.level)}")
        line.truncate(width, overflow="ellipsis")
        return line

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        state = view.focus.state
        if state.status in _IN_TROUBLE:
            where = Text(f" see {clean(str(state.run.engine_log_path or state.run.path))}")
            where.truncate(width, overflow="ellipsis")
            return [where, self._steps(state, width)][:height]
        return [self._steps(state, width)]

    def _steps(self, state: RunState, width: int) -> Text:
        planned = state.planned_steps
        if state.started is None:
            words = {
                "never started": " no engine ever began with it",
                "queued": " waiting for its turn",
                "starting": " the engine is loading torch and the data",
            }
            return Text(words.get(state.status, " it took no step"))
        per_epoch = state.started.steps_per_epoch
        left = f" step {count(state.step)}"
        if planned is not None:
            left += f"/{count(planned)}"
        if planned is not None and per_epoch is not None:
            epochs = -(-planned // per_epoch)
            left += f"  epoch {min(epochs, state.step // per_epoch + 1)}/{epochs}"
        left += " "
        right = f" {duration(state.elapsed)}"
        if state.active and state.remaining is not None:
            right += f", {duration(state.remaining)} left"
        least = (_LEAST_BAR + _SHARE) * (planned is not None)
        for figure in _figures(state):
            if len(left) + least + len(right) + len(figure) < width:
                right += figure
        return Text(left).append(self._bar(state, width - len(left) - len(right) - 1)).append(right)

    def _bar(self, state: RunState, width: int) -> Text:
        if width <= _SHARE or not state.planned_steps:
            return Text()
        share = max(0.0, min(1.0, state.step / state.planned_steps))
        cells = width - _SHARE
        filled = round(share * cells)
        done, rest = ("#", "-") if self.plain else ("█", "░")
        bar = Text(done * filled, style=self.color(STATUS_COLORS[state.status]))
        bar.append(rest * (cells - filled), style=self.color("plot-ink"))
        return bar.append(f" {share:4.0%}")


def _figures(state: RunState) -> list[str]:
    """The figures that fit at the end of the line, the most wanted first."""
    found = []
    for unit in ("samples", "tokens", "frames", "moves"):
        if (speed := state.last(f"{unit}_per_second")) is not None:
            found += [f"  lr {number(state.last('lr'))}", f"  {count(round(speed))} {unit}/s"]
    if (scale := state.last("scaler/scale")) is not None:
        skipped = count(round(state.last("scaler/skipped") or 0))
        found.append(f"  loss scale {number(scale)}, {skipped} skipped")
    return found


def _what(state: RunState) -> str:
    parts = [str(section(state.config, kind).get("name", "")) for kind in ("model", "dataset")]
    return " on ".join(part for part in parts if part) or state.run.title
