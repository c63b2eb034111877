"""All settings of the selected run; those that differ from its recipe and presets come first."""

from collections.abc import Sequence

from rich.text import Text

from tui.choices.preset_differences import Compared, Setting, compare
from tui.panels.lines import LinesPanel
from tui.plots.lane_view import View
from tui.runs.state.store import RunState
from tui.text import cells, clean, column, count

_KEY_WIDTH = 26


class ConfigurationPanel(LinesPanel):
    """A panel of all settings: a star and a colour mark those that differ from the presets."""

    HEADING = "Configuration"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._compared = Compared("", ())
        self._compared_from: tuple[object, object] | None = None

    def remark(self, view: View) -> Text:
        compared = self._compare(view.focus.state)
        if not compared.recipe:
            return Text()
        number, recipe = compared.changed, clean(compared.recipe)
        words = f"{number} differ{'s' * (number == 1)} from {recipe} and its presets"
        return Text(words if number else f"as {recipe} and its presets say")

    def lines(self, view: View, width: int) -> Sequence[Text]:
        state = view.focus.state
        settings = self._compare(state).settings
        longest = max([len("run"), *(cells(clean(setting.key, 300)) for setting in settings)])
        room = min(longest, _KEY_WIDTH, max(10, width // 2))
        lines = [self._setting(setting, room) for setting in settings]
        return [*lines, *(self._fact(key, value, room) for key, value in _facts(state))]

    def _compare(self, state: RunState) -> Compared:
        begun = state.started.config if state.started else None
        if self._compared_from is None or not (
            self._compared_from[0] is state.config and self._compared_from[1] is begun
        ):
            self._compared_from = state.config, begun
            self._compared = compare(state.config, begun)
        return self._compared

    def _setting(self, setting: Setting, room: int) -> Text:
        differs = setting.usual is not None
        line = Text().append("*" if differs else " ", style=f"bold {self.color('accent')}")
        line.append(_fit(setting.key, room), style="" if differs else self.color("plot-ink"))
        line.append(" ").append(clean(setting.value, 300), style="bold" if differs else "")
        if differs:
            line.append(f"  preset {clean(setting.usual or '', 300)}", self.color("plot-ink"))
        if setting.first is not None:
            line.append(f"  {clean(setting.first, 300)} at first", self.color("warning"))
        return line

    def _fact(self, key: str, value: str, room: int) -> Text:
        line = Text(f" {_fit(key, room)} ", style=self.color("plot-ink"))
        return line.append(clean(value, 300), style=self.color("foreground"))


def _fit(key: str, room: int) -> str:
    return column(clean(key, 300), room, keep_end=True)


def _facts(state: RunState) -> list[tuple[str, str]]:
    """Facts that are no settings, but were found out when the run began."""
    facts = [("run", str(state.run.path.absolute()))]
    if (started := state.started) is not None:
        facts += [
            # Another program's log does not have them.
            *([("device in use", started.device)] if started.device else []),
            *([("parameters", count(started.num_parameters))] if started.num_parameters else []),
            *((f"{split} samples", count(number)) for split, number in started.samples.items()),
            *((f"version of {name}", text) for name, text in started.versions.items()),
        ]
    return facts
