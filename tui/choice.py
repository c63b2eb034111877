"""What a person chose on the launch screen, and what follows from it; pure, without widgets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

import presets
from engine import configure
from engine.configure import Plan
from presets import ConfigError, yaml
from presets.schema import Clip, ClipMode, RunConfig, Schedule, plain
from tui.labels import flatten
from tui.text import count

_ANY_OPTIMIZER = "adam"
"""Parameters do not depend on it, and it needs no optional package."""
START_SECONDS = 3.0
"""Until an engine has loaded torch and takes its first step."""


@dataclass(frozen=True)
class Field:
    """A setting that is typed as text; empty text leaves it to the presets."""

    key: str
    label: str
    help: str
    parse: Callable[[str], dict[str, Any]]
    """From text to settings; ConfigError says what is allowed."""
    show: Callable[[RunConfig], str]
    """The same setting of a configuration as text that `parse` understands."""


@dataclass(frozen=True)
class Fork:
    """A run to begin from a checkpoint of another one."""

    folder: Path
    """The parent's directory; the child goes beside it."""
    checkpoint: str
    """Its name under the parent's `checkpoints`."""
    step: int
    """The child counts on from there."""
    config: RunConfig
    """The parent's settings, which the child keeps unless they are changed."""

    def settings(self, names: Mapping[str, str]) -> dict[str, Any]:
        """The parent's settings with dotted keys, for a child with these presets by kind.

        Another preset has options of its own, and may bring settings along.
        """
        kept = {
            key: value
            for key, value in flatten(plain(self.config)).items()
            if key != "name" and not key.endswith((".name", ".type"))
        }
        for kind, name in names.items():
            if name != getattr(self.config, kind).name:
                preset = presets.load(cast("Any", f"{kind}s"), name)
                brought = flatten(preset.run)
                kept = {
                    key: value
                    for key, value in kept.items()
                    if key not in brought and not key.startswith(f"{kind}.")
                }
        return kept | {"parent": f"{self.folder.name}/{self.checkpoint}"}


@dataclass(frozen=True)
class Choice:
    """Presets by name, and the texts of the settings that were changed."""

    model: str = "mlp"
    dataset: str = "digits"
    optimizers: tuple[str, ...] = ("adam",)
    values: Mapping[str, str] = field(default_factory=dict)
    recipe: str = "quickstart"
    fork: Fork | None = None

    def configs(self) -> list[RunConfig]:
        """A configuration for each optimizer. Raises ConfigError."""
        settings: dict[str, Any] = {}
        if self.fork is not None and self.model != self.fork.config.model.name:
            kept = self.fork.config.model.name
            raise ConfigError(f"model: a fork keeps its parent's model, {kept}")
        for item in FIELDS:
            if item.key in self.values:
                settings |= item.parse(self.values[item.key])
        configs = [self._resolve(optimizer, settings) for optimizer in self.optimizers]
        if self.fork is not None:
            for config in configs:
                if (steps := configure.plan(config).steps) <= self.fork.step:
                    done = f"step {count(self.fork.step)} is done in the parent"
                    raise ConfigError(f"train for: {done}, and this ends at {count(steps)}")
        return configs

    def plans(self) -> list[Plan]:
        """What each run will do. Raises ConfigError."""
        return [configure.plan(config) for config in self.configs()]

    def seconds(self) -> float:
        """A rough estimate of the time for all runs, start included."""
        return START_SECONDS + sum(plan.seconds for plan in self.plans())

    def defaults(self) -> dict[str, str]:
        """What the presets say for each setting; where the optimizers differ, the first one's."""
        config = self._resolve(self.optimizers[0], {})
        texts = {item.key: item.show(config) for item in FIELDS}
        if len(self.optimizers) > 1:
            others = [self._resolve(optimizer, {}) for optimizer in self.optimizers]
            for item in FIELDS:
                if len({item.show(other) for other in others}) > 1:
                    texts[item.key] = "varies"
        return texts

    def problem(self, item: Field) -> str | None:
        """Why the text of one setting cannot be used; None if it can."""
        if item.key not in self.values:
            return None
        try:
            self._resolve(self.optimizers[0], item.parse(self.values[item.key]))
        except ConfigError as error:
            return str(error)
        return None

    def parameter_counts(self) -> dict[str, str]:
        """For each model preset, its parameters on the chosen data set."""
        counts = {}
        for name in presets.names("models"):
            try:
                config = configure.resolve(
                    model=name, dataset=self.dataset, optimizer=_ANY_OPTIMIZER
                )
                counts[name] = count(configure.plan(config).num_parameters)
            except ConfigError:
                counts[name] = "does not fit"
        return counts

    def _resolve(self, optimizer: str, settings: Mapping[str, Any]) -> RunConfig:
        # Whoever starts a run here watches it, and can decide.
        given = {"on_non_finite": "pause", **settings}
        if self.fork is not None:
            names = {"model": self.model, "dataset": self.dataset, "optimizer": optimizer}
            given = self.fork.settings(names) | given
        config = self._resolved(optimizer, given)
        if self.fork is None or {"epochs", "steps"} & settings.keys():
            return config
        # Where the parent has had its steps already, a child takes as many again.
        steps = configure.plan(config).steps
        if steps <= self.fork.step:
            config = self._resolved(optimizer, given | {"steps": self.fork.step + steps})
        return config

    def _resolved(self, optimizer: str, settings: Mapping[str, Any]) -> RunConfig:
        return configure.resolve(
            recipe=self.recipe,
            model=self.model,
            dataset=self.dataset,
            optimizer=optimizer,
            settings=settings,
        )


def _parse_length(text: str) -> dict[str, Any]:
    words = text.split()
    unit = words[1] if len(words) == 2 else "epochs"
    if len(words) not in (1, 2) or unit.rstrip("s") not in ("epoch", "step"):
        raise ConfigError(f"train for: expected '10 epochs' or '400 steps', got {text!r}")
    return {unit.rstrip("s") + "s": yaml.parse(words[0])}


def parse_clip(text: str) -> dict[str, Any]:
    """Settings from a mode and its limit, such as `norm 1.0`, or `none`. Raises ConfigError."""
    mode, _, limit = text.partition(" ")
    if mode == "none" and not limit:
        return {"clip.mode": "none"}
    modes = [name for name in get_args(ClipMode) if name != "none"]
    if mode not in modes or not limit.strip():
        raise ConfigError(
            f"clip: expected 'none', or a limit after {', '.join(modes)}, such as 'norm 1.0', "
            f"got {text!r}"
        )
    key = Clip().changed(cast("Any", mode), None).limit_key
    return {"clip.mode": mode, f"clip.{key}": yaml.parse(limit, "clip")}


def parse_schedule(text: str) -> dict[str, Any]:
    """Settings from a type, perhaps `warmup` and steps, perhaps other keys of a schedule.

    Raises ConfigError.
    """
    kind, *words = text.split() or [""]
    given: dict[str, Any] = {"schedule.type": kind, "schedule.warmup_steps": 0}
    while words:
        word = words.pop(0)
        key, equals, value = word.partition("=")
        if word == "warmup" and words:
            key, value = "warmup_steps", words.pop(0)
        elif not equals:
            example = "'cosine', 'cosine warmup 100' or 'wsd decay_share=0.3'"
            raise ConfigError(f"schedule: expected {example}, got {text!r}")
        given[f"schedule.{key}"] = yaml.parse(value, f"schedule.{key}")
    return given


def _show_schedule(config: RunConfig) -> str:
    """The same in words, what is as usual left out."""
    schedule, usual = config.schedule, Schedule()
    words: list[str] = [schedule.type]
    if schedule.warmup_steps:
        words.append(f"warmup {schedule.warmup_steps}")
    for key in schedule.__struct_fields__:
        value = getattr(schedule, key)
        if key not in ("type", "warmup_steps") and value != getattr(usual, key):
            words.append(f"{key}={value:g}")
    return " ".join(words)


def _parse_more(text: str) -> dict[str, Any]:
    """Any settings by their dotted keys, as `run --set` takes them."""
    given = {}
    for word in text.split():
        key, equals, value = word.partition("=")
        if not (key and equals):
            raise ConfigError(f"more: expected KEY=VALUE such as ema_decay=0.999, got {word!r}")
        given[key] = yaml.parse(value, key)
    return given


def _show_length(config: RunConfig) -> str:
    return f"{config.steps} steps" if config.steps else f"{config.epochs} epochs"


def _show_clip(config: RunConfig) -> str:
    return str(config.clip)


def _plain_field(key: str, label: str, help_text: str, setting: str) -> Field:
    def show(config: RunConfig) -> str:
        value: Any = plain(config)
        for part in setting.split("."):
            value = value[part]
        return f"{value:g}" if isinstance(value, float) else str(value)

    return Field(key, label, help_text, lambda text: {setting: yaml.parse(text, label)}, show)


FIELDS = (
    Field("length", "Train for", "such as 10 epochs or 400 steps", _parse_length, _show_length),
    _plain_field("batch", "Batch size", "samples a step, or full", "batch_size"),
    _plain_field("rate", "Learning rate", "a number > 0, such as 3e-4", "optimizer.lr"),
    Field(
        "schedule",
        "Schedule",
        "such as cosine warmup 100; also linear, one-cycle, step, wsd, plateau",
        parse_schedule,
        _show_schedule,
    ),
    Field(
        "clip",
        "Clip",
        "norm 1, value 0.5, parameter 1, agc 0.01, autoclip 10, zclip 2.5, none",
        parse_clip,
        _show_clip,
    ),
    _plain_field("precision", "Precision", "fp32, tf32, bf16 or fp16", "precision"),
    _plain_field("seed", "Seed", "a whole number >= 0: weights, batches, dropout", "seed"),
    _plain_field("device", "Device", "auto, cpu or cuda:0", "device"),
    Field(
        "more",
        "More",
        "any setting, such as ema_decay=0.99 accumulate=4 model.dropout=0.2",
        _parse_more,
        lambda config: "",
    ),
)
