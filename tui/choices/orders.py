"""What a person types to steer a run, as the arguments of a command; pure."""

from engine.runs.control import Arguments
from presets import ConfigError, yaml
from presets.convert import convert
from tui.choices.fields import parse_clip

_NAMES = {
    "lr": "learning rate",
    "lr_factor": "factor of the learning rate",
    "clip_mode": "clip",
    "clip_threshold": "clipping threshold",
    "epochs": "epochs",
    "steps": "steps",
}


def learning_rate(text: str) -> Arguments:
    """`3e-4` is a value, `x0.5` a factor. Raises ConfigError."""
    factor = text[:1] in ("x", "*", "×")
    value = yaml.parse(text[1:].strip() if factor else text, "learning rate")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"learning rate: expected a number > 0 or a factor x0.5, got {text!r}")
    return _arguments({"lr_factor" if factor else "lr": value})


def clipping(text: str) -> Arguments:
    """A mode and its limit, such as `norm 1.0`, or `none`. Raises ConfigError."""
    found = parse_clip(text)
    arguments = {"clip_mode": found.pop("clip.mode")}
    for limit in found.values():
        arguments["clip_threshold"] = limit
    return _arguments(arguments)


def length(text: str) -> Arguments:
    """`20`, `20 epochs` or `400 steps` in all. Raises ConfigError."""
    words = text.split()
    unit = words[1].rstrip("s") if len(words) == 2 else "epoch"
    if len(words) not in (1, 2) or unit not in ("epoch", "step"):
        raise ConfigError(f"total: expected '20 epochs' or '400 steps', got {text!r}")
    return _arguments({f"{unit}s": yaml.parse(words[0], "total")})


def own(text: str) -> Arguments:
    """For a loop that registered names of its own: `NAME=VALUE`, or `NAME` alone to call what it
    registered without a value. Raises ConfigError."""
    name, equals, given = (part.strip() for part in text.partition("="))
    if not name or (equals and not given):
        raise ConfigError(f"expected NAME=VALUE or NAME, got {text!r}")
    value = yaml.parse(given, name) if equals else None
    if not isinstance(value, str | int | float | None):
        raise ConfigError(f"{name}: expected a number or a text, got {given!r}")
    return Arguments(own={name: value})


def own_or_rate(text: str) -> Arguments:
    """What `own` takes, or a learning rate as `learning_rate` does. Raises ConfigError."""
    rate = text[:1] in ("x", "*", "×") and text[1:2].isdigit()
    return learning_rate(text) if rate or text[:1].isdigit() or text[:1] in ".+-" else own(text)


def _arguments(data: dict[str, object]) -> Arguments:
    for key, value in data.items():
        if value is None:  # would say nothing
            raise ConfigError(f"{_NAMES[key]}: expected a number")
    try:
        return convert(data, Arguments)
    except ConfigError as error:
        key, colon, problem = str(error).partition(":")
        raise ConfigError(f"{_NAMES.get(key, key)}{colon}{problem}") from None
