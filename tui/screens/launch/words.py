"""The words of the launch screen: its title, and the hint under its settings."""

from collections.abc import Mapping, Sequence

from rich.text import Text

import presets
from presets import UserError
from presets.schema import RunConfig
from tui.choices import rerun as reruns
from tui.choices.choice import Choice
from tui.choices.fields import Field
from tui.choices.fork import Fork
from tui.choices.rerun import Rerun
from tui.screens.launch.settings import CHANGED, DIFFERS
from tui.text import clean, count, counted

_WIDE = 110


def title(
    choice: Choice, earlier: Rerun | None, num_active: int, colors: Mapping[str, str]
) -> Text:
    """What a choice begins with, and what it changes of the settings of an earlier run.

    `num_active` is the number of runs that are training.
    """
    if choice.fork is not None:
        return _fork_title(choice, choice.fork, colors)
    if earlier is None:
        recipe = f"bigmodel-tui  choose what to train; recipe {clean(choice.recipe)}"
        verb = "is" if num_active == 1 else "are"
        active = f"  {counted(num_active, 'run')} {verb} training: r shows them"
        return Text(recipe + (active if num_active else ""))
    label = clean(earlier.label)
    changed = _changes(earlier.config, choice)
    if not changed:
        as_it_is = clean(", ".join(earlier.changed))
        begun = f"as it is now ({as_it_is} since its start)" if as_it_is else "as it was begun"
        return Text(f"again {label}, {begun}; change something, Esc goes back")
    return Text(f"against {label}: ").append(changed, style=colors["lane-1"])


def _fork_title(choice: Choice, fork: Fork, colors: Mapping[str, str]) -> Text:
    label = clean(fork.label or fork.folder.name)
    text = Text(f"from step {count(fork.step)} of {label}: settings as at that checkpoint")
    if changed := _changes(fork.config, choice):
        text.append(", but ").append(changed, style=colors["lane-1"])
    return text


def _changes(before: RunConfig, choice: Choice) -> str:
    try:
        return clean(", ".join(reruns.changes(before, choice)))
    except UserError:
        return "see below what is wrong"


def narrowing() -> Text:
    """The hint about the keys while a list is narrowed."""
    return Text("What you type narrows the list: Enter takes the name at hand, Esc shows all.")


def three_steps(width: int, colors: Mapping[str, str]) -> Text:
    """The hint for somebody who has no runs yet."""
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
    choice: Choice,
    told: Sequence[str],
    field: Field | None,
    earlier: Rerun | None,
    colors: Mapping[str, str],
) -> Text:
    """What can be typed into the current field, what is wrong with it, or what is `told` of the
    choice before the start."""
    problem = choice.problem(field) if field is not None else next(iter(presets.problems()), "")
    if problem:
        return Text(clean(problem), style=colors["error"])
    # Also while something is typed: it may be what is told, and Enter is near.
    if told:
        return Text(clean("; ".join(told)), style=colors["warning"])
    if field is not None:
        return Text(f"{field.label}: {field.help}", style="dim")
    if cautions := choice.cautions():
        more = f" (+{len(cautions) - 1}, i shows all)" if len(cautions) > 1 else ""
        return Text(clean(f"{cautions[0]}{more}"), style=colors["warning"])
    if choice.fork is not None:
        return _fork_hint(choice, choice.fork, colors)
    marked = len(choice.optimizers)
    more = f"{marked} optimizers marked" if marked > 1 else "Space marks several optimizers"
    words = f"{more}; a dim setting comes from the preset."
    if earlier is not None:
        words = f"{DIFFERS} not as in the presets, {CHANGED} not as in {clean(earlier.label)}"
    return Text(words, style="dim")


def _fork_hint(choice: Choice, fork: Fork, colors: Mapping[str, str]) -> Text:
    """What was changed in the parent after the checkpoint, and how to take it."""
    if not fork.changed:
        return Text(
            "A dim setting is as at the checkpoint; nothing was changed since.", style="dim"
        )
    if fork.changes_as_texts(choice.optimizers).items() <= choice.values.items():
        return Text("Ctrl+R goes back to the settings at the checkpoint.", style="dim")
    changed = clean(", ".join(fork.changes()))
    return Text("t takes what was changed since: ").append(changed, style=colors["lane-1"])
