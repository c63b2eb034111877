"""What a choice does that a person may not have meant, a line each, for before the start; pure."""

from typing import Any

from engine.config import rate_jump
from presets import ConfigError, dotted_keys
from presets.schema import RunConfig, dotted
from tui.choices import per_optimizer_settings
from tui.choices.choice import Choice
from tui.choices.fields import FIELDS
from tui.choices.typed_text import write_value


def notices(choice: Choice) -> list[str]:
    """Rates that are left out, settings that override several presets, and a learning rate that
    jumps where a fork goes on; nothing for a choice that cannot be trained."""
    try:
        settings, configs = choice.settings(), choice.configs()
        alone = [choice.with_settings(name, {}) for name in choice.optimizers]
    except ConfigError:
        return []
    return [
        *_left_out(choice, settings),
        *_overriding(choice, settings, configs, alone),
        *jumps(choice, configs),
    ]


def _left_out(choice: Choice, settings: dict[str, Any]) -> list[str]:
    """The settings that are for none of the chosen optimizers."""
    told = []
    several = len(choice.optimizers)
    if per_optimizer_settings.BARE in settings and several > 1 and "lr" in choice.values:
        value = write_value(settings[per_optimizer_settings.BARE])
        told.append(
            f"rate {value} is not used: all {several} keep their own; `all {value}` sets it"
        )
    for key, value in settings.items():
        whose = per_optimizer_settings.owner(key)
        if whose not in ("", per_optimizer_settings.ALL, *choice.optimizers):
            option = dotted_keys.split(key)[1]
            what = f"{'rate' if option == 'lr' else option} {write_value(value)}"
            they = choice.optimizers[0] if several == 1 else f"all {several}"
            verb = "keeps its" if several == 1 else "keep their"
            told.append(f"{what} is {whose}'s: {they} {verb} own")
    return told


def _overriding(
    choice: Choice, settings: dict[str, Any], configs: list[RunConfig], alone: list[RunConfig]
) -> list[str]:
    """The settings for all marked optimizers that are not what several of their presets say."""
    if len(choice.optimizers) < 2:
        return []
    before, after = [dotted(config) for config in alone], [dotted(config) for config in configs]
    told: dict[str, None] = {}
    for key in settings:
        if (
            per_optimizer_settings.owner(key) not in ("", per_optimizer_settings.ALL)
            or key == per_optimizer_settings.BARE
        ):
            continue
        whole = (
            f"optimizer.{dotted_keys.split(key)[1]}" if per_optimizer_settings.owner(key) else key
        )
        olds = [config.get(whole) for config in before]
        changed = sum(old != new.get(whole) for old, new in zip(olds, after, strict=True))
        of_presets = whole.startswith("optimizer.") or len(set(map(repr, olds))) > 1
        if changed > 1 and of_presets:
            told[_override(choice, whole, configs[0], alone)] = None
    return list(told)


def _override(choice: Choice, key: str, config: RunConfig, alone: list[RunConfig]) -> str:
    """A line such as `learning rate 0.3 for all 2, in place of adam 0.001, sgd 0.05`."""
    field = next((f for f in FIELDS if f.about and key.startswith(f.about)), None)
    if field is not None:
        name, new, olds = field.label.lower(), field.show(config), [field.show(c) for c in alone]
    else:
        name = key.removeprefix("optimizer.")
        new, *olds = (write_value(dotted(each).get(key)) for each in (config, *alone))
    named = ", ".join(f"{who} {old}" for who, old in zip(choice.optimizers, olds, strict=True))
    return f"{name} {new} for all {len(choice.optimizers)}, in place of {named}"


def jumps(choice: Choice, configs: list[RunConfig]) -> list[str]:
    """How the learning rate jumps where a fork goes on with another number of steps."""
    fork = choice.fork
    if fork is None:
        return []
    found = [rate_jump.jump(fork.config, config, fork.step) for config in configs]
    several = len(choice.optimizers) > 1
    return [
        f"{name}: {jump}" if several else str(jump)
        for name, jump in zip(choice.optimizers, found, strict=True)
        if jump is not None
    ]
