"""The presets as a list for people and programs: what each is, its options, its size."""

from typing import Any, cast

import presets
from engine.config import configure, registry, task_rules
from engine.config.registry import Kind
from presets import ConfigError, NotInstalledError, plugins, userpresets
from presets.schema import Component, Preset, Recipe
from tui.text import cells, clean, column, count

Entry = dict[str, Any]

_OUTPUTS = dict.fromkeys(("language", "translation", "summarisation", "speech"), "symbols")
"""What the outputs are, where it is not what the data of the task has."""


def entries() -> list[Entry]:
    """One entry a preset; one that cannot be used has a `problem`: a preset of the user or of a
    plug-in, and one that needs a package which is not installed.

    Raises ConfigError if a built-in preset cannot be used.
    """
    found = [_entry(kind, name) for kind in presets.KINDS for name in presets.names(kind)]
    unusable = userpresets.scan().problems.items()
    found += [
        {"kind": kind.removesuffix("s"), "name": name, "description": "", "problem": line}
        | {"origin": str(userpresets.folder(cast("Any", kind)) / f"{name}.yaml")}
        for (kind, name), line in unusable
    ]
    return found


def _entry(kind: presets.Kind, name: str) -> Entry:
    origin = presets.origin(kind, name)
    preset = presets.load(kind, name)
    entry = {"kind": kind.removesuffix("s"), "name": name, "description": preset.description}
    entry |= {"origin": str(origin or "built-in")}
    if isinstance(preset, Preset):
        entry["type"] = preset.type
    try:
        about = (
            _about_recipe(name, preset)
            if isinstance(preset, Recipe)
            else _about(cast("Any", kind), name, preset)
        )
    except ConfigError as error:
        if origin is None and not isinstance(error, NotInstalledError):
            raise
        return {**entry, "problem": str(error)}
    return {**entry, **about}


def _about(kind: plugins.Kind, name: str, preset: Preset) -> Entry:
    """The options of a component, and its sizes."""
    singular: Kind = cast("Kind", kind.removesuffix("s"))
    options = registry.options(singular, preset)
    component = Component(name=name, type=preset.type, options=dict(options))
    config = registry.config(singular, component)
    entry: Entry = {"options": dict(options)}
    if kind == "models":
        sized_on = task_rules.suited_data(preset.type)
        plan = configure.plan(configure.resolve(model=name, dataset=sized_on))
        entry |= {"num_parameters": plan.num_parameters, "sized_on": sized_on}
    elif kind == "datasets" and options.get("path") != "":
        info = registry.module("dataset", preset.type).info(config)
        entry |= {
            "task": info.task,
            "input_shape": list(info.input_shape),
            "num_outputs": info.num_outputs,
            "samples": dict(info.samples),
        }
    elif kind == "optimizers":
        entry["run"] = preset.run
    return entry


def _about_recipe(name: str, recipe: Recipe) -> Entry:
    about = {
        "model": recipe.model,
        "dataset": recipe.dataset,
        "optimizer": recipe.optimizer,
        "settings": recipe.settings,
    }
    if presets.load("datasets", recipe.dataset).options.get("path") == "":
        return about  # its sizes follow from the file that a person gives
    plan = configure.plan(configure.resolve(recipe=name))
    return {**about, "steps": plan.steps, "num_parameters": plan.num_parameters}


def _what(task: str) -> str:
    return _OUTPUTS.get(task) or task_rules.of(task).what


def lines(found: list[Entry]) -> list[str]:
    """A heading for each kind, then for each preset its name and description, its sizes, and where
    it is from if it is not built in."""
    width = max(cells(clean(entry["name"])) for entry in found) + 2
    text: list[str] = []
    for kind in dict.fromkeys(entry["kind"] for entry in found):
        text += [""] if text else []
        text.append(f"{kind}s")
        for entry in found:
            if entry["kind"] == kind:
                about = [clean(entry["description"]), clean(figures(entry))]
                if all(entry["origin"] not in words for words in ("built-in", *about)):
                    about.append(clean(f"from {entry['origin']}"))
                names = [clean(entry["name"]), *[""] * len(about)]
                rows = zip(names, filter(None, about), strict=False)
                text += [f"  {column(name, width)}{words}" for name, words in rows]
    return text


def figures(entry: Entry) -> str:
    """The sizes of a preset, or what is wrong with it, in one line."""
    if "problem" in entry:
        return str(entry["problem"])
    match entry["kind"]:
        case "model":
            return f"{count(entry['num_parameters'])} parameters on {entry['sized_on']}"
        case "dataset" if "samples" not in entry:
            return "give dataset.path"
        case "dataset":
            sizes = ", ".join(f"{count(n)} {split}" for split, n in entry["samples"].items())
            return f"{sizes}; {entry['num_outputs']} {_what(entry['task'])}"
        case "recipe":
            parts = " + ".join(entry[part] for part in ("model", "dataset", "optimizer"))
            steps = f"{count(entry['steps'])} steps" if "steps" in entry else "give dataset.path"
            return f"{parts}, {steps}"
    options = {**entry["options"], **entry["run"]}
    return ", ".join(f"{key}={value}" for key, value in options.items())
