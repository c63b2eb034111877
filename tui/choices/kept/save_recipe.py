"""Keep what was chosen as a recipe of the user's own."""

from pathlib import Path
from typing import Any

from engine.config import configure
from engine.runs.safe_file_access import replace_file
from presets import ConfigError, UserError, dotted_keys, userpresets, yaml
from presets.schema import Recipe, dotted
from tui.choices.choice import Choice
from tui.choices.fields import FIELDS
from tui.text import clean

_OF_ONE_RUN = ("name", "parent")


def path_of(name: str) -> Path:
    """The file of a user's own recipe. Raises ConfigError for a name that it cannot have."""
    userpresets.check_name("recipes", name)
    return userpresets.folder("recipes") / f"{name}.yaml"


def save(choice: Choice, name: str) -> Path:
    """Write the recipe, replacing one of the same name. Raises UserError, in one line."""
    path = path_of(name)
    made = recipe_of(choice)
    told = {key: getattr(made, key) for key in made.__struct_fields__}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, yaml.dump(told).encode())
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None
    userpresets.forget()
    return path


def recipe_of(choice: Choice) -> Recipe:
    """A recipe that resolves to what was chosen. Raises ConfigError."""
    if len(choice.optimizers) > 1:
        raise ConfigError(f"a recipe has one optimizer; {len(choice.optimizers)} are marked")
    (config,) = choice.configs()
    bare = Recipe(
        description=_described(choice),
        model=choice.model,
        dataset=choice.dataset,
        optimizer=choice.optimizers[0],
    )
    try:
        usual = dotted(configure.resolve(recipe=bare))
    except ConfigError:  # the presets need a setting, such as the path of the data
        usual = {}
    asked = "on_non_finite" in choice.values.get("more", "")
    tree: dict[str, Any] = {}
    for key, value in dotted(config).items():
        by_itself = key == "on_non_finite" and not asked  # the app's wish, not the person's
        unused = key in ("epochs", "steps") and value is None
        missing = key not in usual or usual[key] != value
        if missing and not by_itself and not unused and key not in _OF_ONE_RUN:
            dotted_keys.put(tree, key, value)
    return Recipe(
        description=bare.description,
        model=bare.model,
        dataset=bare.dataset,
        optimizer=bare.optimizer,
        settings=tree,
    )


def _described(choice: Choice) -> str:
    """A description in one line, at most 120 characters."""
    typed = [
        f"{field.label.lower()} {choice.values[field.key]}"
        for field in FIELDS
        if field.key in choice.values
    ]
    words = f"{choice.model} on {choice.dataset} with {choice.optimizers[0]}"
    words = clean(": ".join(filter(None, [words, ", ".join(typed)])))
    return words if len(words) <= 120 else f"{words[:117]}..."
