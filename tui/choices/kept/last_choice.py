"""What was chosen on the launch screen the last time."""

from msgspec import Struct

import presets
from tui.choices.choice import Choice
from tui.choices.fields import FIELDS
from tui.choices.kept import small_files
from tui.text import clean

_OLD_KEYS = {"rate": "lr"}
"""What fields were called in the files of older versions."""


class LastChoice(Struct):
    """The file of the last choice: names of presets, and the texts of changed settings."""

    recipe: str = ""
    model: str = ""
    dataset: str = ""
    optimizers: tuple[str, ...] = ()
    values: dict[str, str] = {}


def keep(choice: Choice) -> None:
    """Remember a choice that can be trained, unless it goes on from a checkpoint."""
    if any(config.parent for config in choice.configs()):
        return
    small_files.save(
        "launch",
        LastChoice(
            recipe=choice.recipe,
            model=choice.model,
            dataset=choice.dataset,
            optimizers=choice.optimizers,
            values=dict(choice.values),
        ),
    )


def recall() -> tuple[Choice, list[str]]:
    """The last choice, or the quickstart; and a line for each preset that went away."""
    last = small_files.load("launch", LastChoice)
    gone: list[str] = []

    def known(kind: presets.Kind, name: str, instead: str) -> str:
        if name and name not in presets.names(kind):
            gone.append(clean(f"{kind.removesuffix('s')}: the preset {name:.80} is gone"))
        return name if name in presets.names(kind) else instead

    recipe = known("recipes", last.recipe, "quickstart")
    parts = presets.load("recipes", recipe)
    optimizers = tuple(known("optimizers", name, "") for name in last.optimizers)
    fields = {field.key for field in FIELDS}
    values = {_OLD_KEYS.get(key, key): clean(text) for key, text in last.values.items()}
    return Choice(
        recipe=recipe,
        model=known("models", last.model, parts.model),
        dataset=known("datasets", last.dataset, parts.dataset),
        optimizers=tuple(filter(None, optimizers)) or (parts.optimizer,),
        values={key: text for key, text in values.items() if key in fields},
    ), gone
