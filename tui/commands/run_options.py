"""The options of `bigmodel-tui run`, and the settings that they stand for."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from presets import UserError, yaml
from tui.commands.completion import presets_of

Command = TypeVar("Command", bound=Callable[..., Any])


class PlainValue(click.ParamType):  # type: ignore[type-arg]  # not generic before click 8.3
    """A parameter whose value YAML reads, and the configuration's own checks judge."""

    name = "value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        option = param.opts[0] if param else "value"
        parsed = yaml.parse(value, option)
        if parsed is None:  # would look as if the option had not been given
            raise UserError(f"{option}: expected a value, got {value!r}")
        return parsed


def component_options(command: Command) -> Command:
    """Add the options that name presets: a recipe, and other parts in place of its own."""
    return _with(command, _COMPONENTS)


def clip_options(command: Command) -> Command:
    """Add the options that say how gradients are clipped; `clip_settings` reads them."""
    return _with(command, _CLIP)


def _with(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


_CLIP = (
    click.option("--clip-norm", metavar="X", type=PlainValue(), help="Clip by the global L2 norm."),
    click.option("--clip-value", metavar="X", type=PlainValue(), help="Clip each element."),
    click.option("--no-clip", is_flag=True, help="Do not clip."),
    click.option("--clip", metavar="'MODE X'", help="Any clipping, such as 'agc 0.01'."),
)


_COMPONENTS = (
    click.option(
        "--recipe",
        metavar="NAME",
        shell_complete=presets_of("recipes"),
        default="quickstart",
        help="Begin with this recipe.",
    ),
    click.option(
        "--model",
        metavar="NAME",
        shell_complete=presets_of("models"),
        help="A model preset in place of the recipe's.",
    ),
    click.option(
        "--dataset",
        metavar="NAME",
        shell_complete=presets_of("datasets"),
        help="A data set preset in place of the recipe's.",
    ),
    click.option(
        "--optimizer",
        metavar="NAME",
        shell_complete=presets_of("optimizers"),
        help="An optimizer preset in place of the recipe's.",
    ),
)
_SETTINGS = {
    "epochs": "epochs",
    "steps": "steps",
    "batch_size": "batch_size",
    "lr": "optimizer.lr",
    "seed": "seed",
    "device": "device",
    "precision": "precision",
    "threads": "threads",
    "target": "target",
    "max_restarts": "max_restarts",
    "name": "name",
}
"""From an option of `run` to the setting it stands for."""


def settings(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as the dotted settings that `configure.resolve` takes."""
    exclusive(options, "epochs", "steps")
    given: dict[str, Any] = {
        setting: options[option]
        for option, setting in _SETTINGS.items()
        if options[option] is not None
    }
    from tui.choices.typed_text import parse_assignments, parse_schedule

    given |= clip_settings(options)
    if options["schedule"] is not None:
        given |= parse_schedule(options["schedule"])
    return given | parse_assignments(options["sets"], "--set")


def clip_settings(options: dict[str, Any]) -> dict[str, Any]:
    """What `clip_options` were given, as dotted settings. Raises UserError."""
    exclusive(options, "clip", "clip_norm", "clip_value", "no_clip")
    if options["no_clip"]:
        return {"clip.mode": "none"}
    for mode in ("norm", "value"):
        if options[f"clip_{mode}"] is not None:
            return {"clip.mode": mode, "clip.threshold": options[f"clip_{mode}"]}
    if options["clip"] is None:
        return {}
    from tui.choices.typed_text import parse_clip

    return parse_clip(options["clip"])


def exclusive(options: dict[str, Any], *names: str) -> None:
    """Raise UserError if more than one of these options was given."""
    given = [f"--{name.replace('_', '-')}" for name in names if options[name] not in (None, False)]
    if len(given) > 1:
        raise UserError(f"{' and '.join(given)} exclude each other; give one of them")
