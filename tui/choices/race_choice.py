"""What a person chose for a race, as texts, and the race that follows; pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.config import configure
from engine.race import spec
from engine.race.spec import RaceSpec
from presets import ConfigError, UserError, dotted_keys, yaml
from presets.schema import RunConfig
from tui.choices import per_optimizer_settings, typed_text
from tui.choices.choice import START_SECONDS, Choice
from tui.choices.fields import FIELDS
from tui.runs.state.judging_metric import larger_is_better

_RUN_SECONDS = 0.6
"""What a run takes besides its steps: it is built, evaluated and saved."""
_VARIED = "KEY=V,V such as optimizer.lr=1e-3,1e-2"


def build(options: Mapping[str, Any]) -> RaceSpec:
    """The race of these options, which are those of `bigmodel-tui race`. Raises UserError."""
    if len(configs := lanes(options)) < 2:
        raise UserError("a race needs two lanes or more: several optimizers, or vary KEY=V,V")
    return spec.build(
        configs,
        tier=options["tier"],
        seeds=options["seeds"],
        trials=options["trials"],
        budget=options["budget"],
        target=target(options["target"]),
        reference=options["reference"],
        workers=options["workers"],
    )


def seconds(made: RaceSpec) -> float:
    """A rough estimate of the time for all runs, one after another."""
    each = [configure.plan(lane.run_config()).seconds + _RUN_SECONDS for lane in made.lanes]
    return START_SECONDS + sum(each) * (made.seeds + made.num_trials) / made.workers


def target(text: str | None) -> str | None:
    """A target with its operator: `val/accuracy=0.97` means at least, and what is best small, such
    as a loss or `val/wer=0.1`, means at most."""
    if not text or "<=" in text or ">=" in text or "=" not in text:
        return text or None
    metric, _, value = text.partition("=")
    operator = ">=" if larger_is_better(metric.strip()) else "<="
    return f"{metric.strip()} {operator} {value.strip()}"


def lanes(options: Mapping[str, Any]) -> dict[str, RunConfig]:
    """The configurations to compare by label: every combination of what is listed.

    Raises ConfigError for names that do not exist.
    """
    settings = typed_text.parse_assignments(options["sets"], "--set")
    if options["schedule"]:
        settings |= typed_text.parse_schedule(options["schedule"])
    if options["clip"]:
        settings |= typed_text.parse_clip(options["clip"])
    found: dict[str, RunConfig] = {}
    models, optimizers = _listed(options["models"]), _listed(options["optimizers"])
    for model in models:
        for optimizer in optimizers:
            for words, changes in _combinations(options["varied"]):
                named = [model] * (len(models) > 1) + [optimizer] * (len(optimizers) > 1)
                label = " ".join([*filter(None, named), *words]) or optimizer or "default"
                found[_free(label, found)] = configure.resolve(
                    recipe=options["recipe"],
                    model=model,
                    dataset=options["dataset"],
                    optimizer=optimizer,
                    settings={**settings, **changes},
                )
    return found


def _listed(text: str) -> list[str | None]:
    """Names between commas; only None, for the recipe's, where there are none."""
    return [name.strip() for name in text.split(",") if name.strip()] or [None]


def _free(label: str, taken: Mapping[str, object]) -> str:
    """The label, numbered if it is taken: an optimizer may race against itself."""
    number, free = 1, label
    while free in taken:
        number += 1
        free = f"{label} #{number}"
    return free


def _combinations(varied: Iterable[str]) -> list[tuple[list[str], dict[str, Any]]]:
    """The words and settings of each combination of `KEY=V,V`."""
    found: list[tuple[list[str], dict[str, Any]]] = [([], {})]
    for text in varied:
        key, values = typed_text.split_assignment(text, "vary", _VARIED)
        if not values.strip(", "):
            raise ConfigError(f"vary: expected {_VARIED}, got {text!r}")
        short = dotted_keys.last(key)
        found = [
            ([*words, f"{short}={value.strip()}"], {**given, key: yaml.parse(value.strip(), key)})
            for words, given in found
            for value in values.split(",")
        ]
    return found


def texts(choice: Choice) -> dict[str, str]:
    """What was chosen on the launch screen, as texts of a race. Raises ConfigError.

    One optimizer alone is no race: the usual ones are kept. Each has its own learning rate,
    and a race its own seeds; a target that suits digits suits no other data.
    """
    found = {"models": choice.model, "dataset": choice.dataset, "recipe": choice.recipe}
    if len(choice.optimizers) > 1:
        found["optimizers"] = ",".join(choice.optimizers)
    others: dict[str, Any] = {}
    for field in FIELDS:
        text = choice.values.get(field.key, "")
        if field.key in ("schedule", "clip"):
            found[field.key] = text
        elif field.key == "length" and text:
            found["budget"] = str(configure.plan(choice.configs()[0]).steps)
        elif text and field.key not in ("lr", "seed"):
            others |= {
                k: v for k, v in field.parse(text).items() if not per_optimizer_settings.owner(k)
            }
    if choice.dataset != "digits":
        found["target"] = ""
    return found | {"sets": typed_text.write_settings(others)}


def left_out(choice: Choice) -> list[str]:
    """What of a choice `texts` leaves out, such as `seed 3`: what is one run's or one optimizer's.

    Raises ConfigError.
    """
    typed = [f"{key} {choice.values[key]}" for key in ("lr", "seed") if key in choice.values]
    more = typed_text.parse_settings(choice.values.get("more", ""), "more")
    return typed + [key for key in more if per_optimizer_settings.owner(key)]


def whole(text: str, what: str) -> int | None:
    """A whole number >= 1, None for an empty text. Raises ConfigError."""
    if not text.strip():
        return None
    if not text.strip().isdecimal() or int(text) < 1:
        raise ConfigError(f"{what}: expected a whole number >= 1, got {text!r}")
    return int(text)
