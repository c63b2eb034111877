"""Typed commands: what a person types to steer a run, as the arguments of a command; pure."""

from collections.abc import Mapping
from typing import Any

from engine.runs.control import Arguments
from presets import ConfigError, yaml
from presets.convert import convert
from tui.choices.typed_text import parse_clip, parse_length

_NAMES = {
    "lr": "learning rate",
    "lr_factor": "factor of the learning rate",
    "clip_threshold": "clipping threshold",
}
"""What an argument is called in errors; else its key."""


def learning_rate(text: str) -> Arguments:
    """`3e-4` is a value, `x0.5` a factor. Raises ConfigError."""
    factor = text[:1] in ("x", "*", "×")
    value = yaml.parse(text[1:].strip() if factor else text, "learning rate")
    return arguments({"lr_factor" if factor else "lr": value})


def clipping(text: str) -> Arguments:
    """A mode and its limit, such as `norm 1.0`, or `none`. Raises ConfigError."""
    return arguments(parse_clip(text))


def length(text: str) -> Arguments:
    """`20`, `20 epochs` or `400 steps` in all. Raises ConfigError."""
    return arguments(parse_length(text, "total"))


def own(text: str) -> Arguments:
    """`NAME=VALUE` for a loop that registered that name, or `NAME` alone to call what it registered
    without a value. Raises ConfigError."""
    name, equals, given = (part.strip() for part in text.partition("="))
    if not name or (equals and not given):
        raise ConfigError(f"expected NAME=VALUE or NAME, got {text!r}")
    value = yaml.parse(given, name) if equals else None
    if not isinstance(value, str | int | float | None):
        raise ConfigError(f"{name}: expected a number or a text, got {given!r}")
    return Arguments(own={name: value})


def own_or_learning_rate(text: str) -> Arguments:
    """What `own` takes, or a learning rate as `learning_rate` does. Raises ConfigError."""
    factor = text[:1] in ("x", "*", "×") and text[1:2].isdigit()
    number = text[:1].isdigit() or text[:1] in (".", "+", "-")
    return learning_rate(text) if factor or number else own(text)


def arguments(settings: Mapping[str, Any]) -> Arguments:
    """The arguments of a command `set` from settings: `lr`, `lr_factor`, `epochs`, `steps`,
    `clip.mode` and the limit of that mode, such as `clip.threshold`. Raises ConfigError.
    """
    given = {_argument(key): value for key, value in settings.items()}
    for key, value in given.items():
        if key != "clip_mode":
            _check_number(key, value)
    try:
        return convert(given, Arguments)
    except ConfigError as error:
        key, colon, problem = str(error).partition(":")
        raise ConfigError(f"{_NAMES.get(key, key)}{colon}{problem}") from None


def _argument(setting: str) -> str:
    if setting == "clip.mode":
        return "clip_mode"
    return "clip_threshold" if setting.startswith("clip.") else setting


def _check_number(key: str, value: Any) -> None:
    """`Arguments` would say that null is allowed, which sets nothing."""
    whole = key in ("epochs", "steps")
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        wanted = "a whole number >= 1" if whole else "a number > 0"
        got = "nothing" if value is None else repr(value)
        raise ConfigError(f"{_NAMES.get(key, key)}: expected {wanted}, got {got}")
