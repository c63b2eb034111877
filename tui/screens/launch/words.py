"""What the launch screen says in its first line and under its settings."""

from collections.abc import Mapping

from rich.text import Text

import presets
from presets import UserError
from tui.choices import rerun
from tui.choices.choice import Choice
from tui.choices.fields import Field
from tui.choices.rerun import Again
from tui.screens.launch.settings import CHANGED, DIFFERS
from tui.text import clean

_WIDE = 110


def title(choice: Choice, earlier: Again | None, active: str, colors: Mapping[str, str]) -> Text:
    """What is chosen from; with an earlier run, what was changed against it."""
    if choice.fork is not None:
        return Text(clean(f"fork of {choice.fork.folder.name} at {choice.fork.checkpoint}"))
    if earlier is None:
        return Text(
            f"bigmodel-tui  choose what to train; recipe {clean(choice.recipe)}{clean(active)}"
        )
    label = clean(earlier.label)
    try:
        told = rerun.changes(earlier.config, choice)
    except UserError:
        told = ["see below what is wrong"]
    if not told:
        return Text(f"again {label}, as it was begun; change something, Esc goes back")
    changed = clean(", ".join(told))
    return Text(f"against {label}: ").append(changed, style=colors["lane-1"])


def narrowing() -> Text:
    """What keys do while a list is narrowed."""
    return Text("What you type narrows the list: Enter takes the name at hand, Esc shows all.")


def three_steps(width: int, colors: Mapping[str, str]) -> Text:
    """For somebody who has no runs yet."""
    text = Text()
    for number, short, more in (
        (1, "choose with the arrows", " and Tab"),
        (2, "Enter trains", " and opens the dashboard"),
        (3, "q leaves; `watch` comes back", " from the command line, to a run that goes on"),
    ):
        text.append(f"{number} ", style=f"bold {colors['accent']}")
        text.append(f"{short}{more if width >= _WIDE else ''}   ")
    return text


def hint(
    choice: Choice, field: Field | None, earlier: Again | None, colors: Mapping[str, str]
) -> Text:
    """What can be typed into the field at hand, or what is wrong with it."""
    if field is None and (problems := presets.problems()):
        return Text(clean(problems[0]), style=colors["error"])
    if field is not None:
        if problem := choice.problem(field):
            return Text(clean(problem), style=colors["error"])
        return Text(f"{field.label}: {field.help}", style="dim")
    if cautions := choice.cautions():
        more = f" (+{len(cautions) - 1}, i shows all)" if len(cautions) > 1 else ""
        return Text(clean(f"{cautions[0]}{more}"), style=colors["warning"])
    if earlier is not None:
        legend = f"{DIFFERS} not as in the presets, {CHANGED} not as in {clean(earlier.label)}"
        return Text(legend, style="dim")
    marked = len(choice.optimizers)
    more = f"{marked} optimizers marked" if marked > 1 else "Space marks several optimizers"
    return Text(f"{more}; a dim setting comes from the preset.", style="dim")
