"""Another run with the settings of an earlier one: as texts, and what differs; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import presets
from engine.config import configure, rate_jump
from engine.config.configure import KINDS
from engine.runs.control import Arguments
from presets import ConfigError, UserError, dotted_keys
from presets.schema import RunConfig, dotted, plain, run_config
from tui.choices.choice import Choice
from tui.choices.fields import FIELDS, compared
from tui.choices.typed_text import write_settings, write_value
from tui.runs.run import Run

if TYPE_CHECKING:  # it brings NumPy, which the first picture does not wait for
    from tui.runs.state.store import RunState

_OF_ONE_RUN = ("name",)
"""Settings that another run does not take over."""


@dataclass(frozen=True)
class Rerun:
    """Another run with the settings of an earlier one: what the launch screen begins with."""

    run: Run
    label: str
    """What it is called on the screen."""
    config: RunConfig
    """The settings that the new run begins with."""
    beside: tuple[Run, ...]
    """The runs with which the new one will be shown, in order."""
    changed: tuple[str, ...] = ()
    """What of the settings commands changed since the run was begun: `lr 0.001 -> 0.0003`."""


def as_it_is(begun: RunConfig, settings: Mapping[str, Any]) -> RunConfig:
    """The configuration with which a run was begun, with what commands changed since.

    `settings` are those in force, as `RunState.config` has them. Raises ConfigError.
    """
    tree = plain(begun)
    for key in ("epochs", "steps"):
        if settings.get(key) is not None:
            configure.put(tree, key, settings[key])
    optimizer, clip = settings.get("optimizer"), settings.get("clip")
    if isinstance(optimizer, Mapping) and "lr" in optimizer:
        tree["optimizer"]["lr"] = optimizer["lr"]
    if isinstance(clip, Mapping):
        tree["clip"] |= clip
    return run_config(tree)


def jump_of(state: "RunState", arguments: Arguments) -> str:
    """How the learning rate of a run jumps where a command gives it another length, in one line;
    "" if it does not, or if that is not known."""
    length = {key: getattr(arguments, key) for key in ("epochs", "steps")}
    given = {key: value for key, value in length.items() if value is not None}
    if not given:
        return ""
    try:
        now = as_it_is(state.run.config(), state.config)
        tree = plain(now)
        for key, value in given.items():
            configure.put(tree, key, value)
        jump = rate_jump.jump(now, run_config(tree), state.step, rate=state.last("lr"))
    except UserError:
        return ""
    return "" if jump is None else str(jump)


def choice_of(config: RunConfig) -> tuple[Choice, list[str]]:
    """A choice that gives the same configuration, and a line for each preset that is gone."""
    choice, gone = parts_of(config, _nearest_recipe(config))
    parts = (choice.model, choice.dataset, choice.optimizers[0])
    lost = [k for k, name in zip(KINDS, parts, strict=True) if name != getattr(config, k).name]
    return replace(choice, values=_texts(choice, config, lost)), gone


def parts_of(config: RunConfig, recipe: str) -> tuple[Choice, list[str]]:
    """A choice of the same presets without settings, and a line for each preset that is gone; in
    their place it has those of a recipe."""
    instead = presets.load("recipes", recipe)
    names: dict[str, str] = {}
    gone: list[str] = []
    for kind in KINDS:
        part = getattr(config, kind)
        names[kind] = part.name
        plural = cast("Any", f"{kind}s")
        known = part.name in presets.names(plural)
        if not known or presets.load(plural, part.name).type != part.type:
            names[kind] = getattr(instead, kind)
            gone.append(f"{kind}: the preset {part.name} is gone")
    choice = Choice(
        model=names["model"],
        dataset=names["dataset"],
        optimizers=(names["optimizer"],),
        recipe=recipe,
    )
    return choice, gone


def _nearest_recipe(config: RunConfig) -> str:
    """The recipe from which the fewest settings differ."""
    wanted = dotted(config)
    ranked = []
    for name in presets.names("recipes"):
        try:
            found = dotted(
                configure.resolve(
                    recipe=name,
                    model=config.model.name,
                    dataset=config.dataset.name,
                    optimizer=config.optimizer.name,
                )
            )
        except ConfigError:  # a recipe for other parts, or a user's own with a mistake
            continue
        different = sum(found.get(key) != value for key, value in wanted.items())
        ranked.append((different, name != "quickstart", name))
    return min(ranked)[2] if ranked else "quickstart"


def _texts(choice: Choice, config: RunConfig, lost: Sequence[str]) -> dict[str, str]:
    """The texts that make the configuration out of the presets."""
    texts: dict[str, str] = {}
    try:
        (start,) = choice.configs()
    except ConfigError:  # the presets need a setting, such as the path of the data
        start = None
    for field in FIELDS:
        if field.key == "more" or (field.key == "lr" and "optimizer" in lost):
            continue
        if start is None or field.show(start) != field.show(config):
            texts[field.key] = field.show(config)
    more = _rest(replace(choice, values=texts), config, lost)
    return texts | ({"more": write_settings(more)} if more else {})


def _rest(choice: Choice, config: RunConfig, lost: Sequence[str]) -> Mapping[str, Any]:
    """The settings that no other field decides."""
    wanted = {
        key: value
        for key, value in dotted(config).items()
        if key not in _OF_ONE_RUN
        and dotted_keys.split(key)[0] not in lost
        and not (key in ("epochs", "steps") and value is None)
        and (key, value) != ("on_non_finite", "stop")  # whoever watches is asked
    }
    try:
        reached = dotted(choice.configs()[0])
    except ConfigError:
        covered = tuple(prefix for field in FIELDS for prefix in field.about)
        return {k: v for k, v in wanted.items() if not k.startswith(covered)}
    return {key: value for key, value in wanted.items() if reached.get(key) != value}


def changes(before: RunConfig, choice: Choice) -> list[str]:
    """What the choice changes, such as `lr 0.001 -> 0.0003`. Raises ConfigError."""
    after = choice.configs()[0]
    told: list[str] = []
    for kind in KINDS:
        old, new = getattr(before, kind).name, getattr(after, kind).name
        names = " + ".join(choice.optimizers) if kind == "optimizer" else new
        if names != old:
            told.append(f"{kind.replace('dataset', 'data set')} {old} -> {names}")
    told += compared(before, after)
    covered = tuple(prefix for field in FIELDS for prefix in field.about)
    same = [kind for kind in KINDS if getattr(before, kind).name == getattr(after, kind).name]
    old_settings, new_settings = dotted(before), dotted(after)
    for key in dict.fromkeys([*old_settings, *new_settings]):
        part, _ = dotted_keys.split(key)
        old, new = old_settings.get(key), new_settings.get(key)
        if old == new or key.startswith(covered) or key in _OF_ONE_RUN:
            continue
        if (part in KINDS and part not in same) or (key, old, new) == _ASKED:
            continue
        told.append(f"{key.removeprefix('optimizer.')} {write_value(old)} -> {write_value(new)}")
    return told


_ASKED = ("on_non_finite", "stop", "pause")
"""A setting that the app changes by itself: its key, its old and its new value."""
