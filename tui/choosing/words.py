"""What the launch screen says in its first line and under its settings."""

from collections.abc import Mapping

from rich.text import Text

import presets
from presets import UserError
from tui import again
from tui.again import Again
from tui.choice import Choice
from tui.choosing.settings import CHANGED, DIFFERS
from tui.fields import Field
from tui.text import clean


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
        told = again.changes(earlier.config, choice)
    except UserError:
        told = ["see below what is wrong"]
    if not told:
        return Text(f"again {label}, as it was begun; change something, Esc goes back")
    changed = clean(", ".join(told))
    return Text(f"against {label}: ").append(changed, style=colors["lane-1"])


def narrowing() -> Text:
    """What keys do while a list is narrowed."""
    return Text("What you type narrows the list: Enter takes the name at hand, Esc shows all.")


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
    if earlier is not None:
        legend = f"{DIFFERS} not as in the presets, {CHANGED} not as in {clean(earlier.label)}"
        return Text(legend, style="dim")
    marked = len(choice.optimizers)
    more = f"{marked} optimizers marked" if marked > 1 else "Space marks several optimizers"
    return Text(f"{more}; a dim setting comes from the preset.", style="dim")
