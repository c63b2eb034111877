"""The configuration of the selected run."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from presets.dotted_keys import flatten
from tui.panels.panel import Panel
from tui.plots.lane_view import View
from tui.runs.state.clipping_in_force import clip_words
from tui.runs.state.store import section
from tui.text import cells, clean, column, count


class SettingsPanel(Panel):
    """A panel of the settings that matter most, a line each."""

    HEADING = "Configuration"

    def body(self, view: View, width: int, height: int) -> Sequence[Text]:
        state = view.focus.state
        if state.started and state.started.task == "open":
            told = flatten(state.config).items()
            rows = [(key, v if isinstance(v, str) else _value(v)) for key, v in told]
            if state.started.num_parameters:
                rows.insert(0, ("parameters", count(state.started.num_parameters)))
            return [self._line(key, value, width) for key, value in rows[:height]]
        rows = _rows(state.config)
        if state.started:
            samples = state.started.samples
            parts = " / ".join(count(samples.get(split, 0)) for split in ("train", "val", "test"))
            rows.insert(1, ("parameters", count(state.started.num_parameters)))
            rows.insert(3, ("samples", f"{parts} (train/val/test)"))
        return [self._line(key, value, width) for key, value in rows[:height]]

    def _line(self, key: str, value: str, width: int) -> Text:
        key = clean(key)
        line = Text(f" {column(key, max(10, cells(key)))} ", style=self.color("plot-ink"))
        line.append(clean(value), style=self.color("foreground"))
        line.truncate(width, overflow="ellipsis")
        return line


def _rows(config: dict[str, Any]) -> list[tuple[str, str]]:
    if not config:
        return []
    length = "epochs" if config.get("epochs") is not None else "steps"
    rows = [(kind, _component(section(config, kind))) for kind in ("model", "dataset", "optimizer")]
    rows += [
        ("clip", clip_words(config)),
        ("batch size", str(config.get("batch_size"))),
        (length, str(config.get(length))),
        ("seed", str(config.get("seed"))),
        ("loss", str(config.get("loss"))),
    ]
    rows += [(key, str(config[key])) for key in ("target", "parent") if config.get(key)]
    return rows


def _component(section: dict[str, Any]) -> str:
    options = [f"{key}={_value(v)}" for key, v in section.items() if key not in ("name", "type")]
    return " ".join([str(section.get("name", "?")), *options])


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "-".join(_value(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value).lower()
