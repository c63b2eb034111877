"""What a person chose on the launch screen, and what follows from that; pure, without widgets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import presets
from engine.config import configure, registry, task_rules
from engine.config.configure import Plan
from engine.config.registry import DatasetInfo
from presets import ConfigError
from presets.schema import Component, RunConfig
from tui.choices import per_optimizer_settings
from tui.choices.fields import FIELDS, Field
from tui.choices.fork import Fork
from tui.text import count

_ANY_OPTIMIZER = "adam"
"""Where any optimizer will do: this one needs no optional package."""
START_SECONDS = 3.0
"""What passes until an engine has loaded torch and takes its first step."""


@dataclass(frozen=True)
class Choice:
    """What is to be trained: presets by name, and the texts of the settings that were changed."""

    model: str = "mlp"
    dataset: str = "digits"
    optimizers: tuple[str, ...] = ("adam",)
    values: Mapping[str, str] = field(default_factory=dict)
    recipe: str = "quickstart"
    fork: Fork | None = None

    def configs(self) -> list[RunConfig]:
        """A configuration for each optimizer. Raises ConfigError."""
        found = self._outcome
        if isinstance(found, str):
            raise ConfigError(found)
        return list(found)

    @cached_property  # the screen asks for it many times a key
    def _outcome(self) -> list[RunConfig] | str:
        """The configurations, or why there are none."""
        try:
            return self._configured()
        except ConfigError as error:
            return str(error)

    def _configured(self) -> list[RunConfig]:
        if self.fork is not None and self.model != self.fork.config.model.name:
            kept = self.fork.config.model.name
            raise ConfigError(f"model: a fork keeps its parent's model, {kept}")
        settings = self.settings()
        configs = [self.with_settings(name, settings) for name in self.optimizers]
        if self.fork is not None:
            for config in configs:
                if (steps := configure.plan(config).steps) <= self.fork.step:
                    done = f"step {count(self.fork.step)} is done in the parent"
                    raise ConfigError(f"train for: {done}, and this ends at {count(steps)}")
        return configs

    def settings(self) -> dict[str, Any]:
        """The typed settings, some with the name of an optimizer as in `owned`. Raises
        ConfigError."""
        settings: dict[str, Any] = {}
        for item in FIELDS:
            if item.key in self.values:
                settings |= item.parse(self.values[item.key])
        return settings

    def data(self) -> Component:
        """The data set with its options, also where the rest cannot be used."""
        try:
            return self.configs()[0].dataset
        except ConfigError:
            options, _ = configure.section("dataset", self.dataset)
            name, kind = options.pop("name"), options.pop("type")
            return Component(name=name, type=kind, options=options)

    def cautions(self) -> tuple[str, ...]:
        """What the data set says that a person may have meant otherwise; nothing where it cannot be
        used."""
        try:
            return configure.dataset_info(self.configs()[0]).cautions
        except ConfigError:
            return ()

    def plans(self) -> list[Plan]:
        """What each run will do. Raises ConfigError."""
        return [configure.plan(config) for config in self.configs()]

    def seconds(self) -> float:
        """A rough estimate of the time for all runs, start included."""
        return START_SECONDS + sum(plan.seconds for plan in self.plans())

    def defaults(self) -> dict[str, str]:
        """The value of the presets for each setting; "varies" where the optimizers differ."""
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
            settings = item.parse(self.values[item.key])
            for name in self.optimizers:
                self.with_settings(name, settings)
        except ConfigError as error:
            return str(error)
        return None

    def parameter_counts(self) -> dict[str, str]:
        """For each model preset, its parameters on the chosen data set, or what data it needs."""
        settings = self._data_settings()
        counts = {}
        for name in presets.names("models"):
            try:
                config = configure.resolve(
                    model=name, dataset=self.dataset, optimizer=_ANY_OPTIMIZER, settings=settings
                )
                counts[name] = count(configure.plan(config).num_parameters)
            except ConfigError as error:
                counts[name] = self._needed_data(name, str(error))
        return counts

    def _data_settings(self) -> dict[str, Any]:
        """The typed settings of the data set, such as its path."""
        try:
            settings = self.settings()
        except ConfigError:
            return {}
        return {key: value for key, value in settings.items() if key.startswith("dataset.")}

    @cached_property
    def _info(self) -> DatasetInfo | None:
        """What is known of the data; None where it cannot be used."""
        data = self.data()
        try:
            module = registry.module("dataset", data.type)
            info: DatasetInfo = module.info(registry.config("dataset", data))
        except ConfigError:
            return None
        return info

    def _needed_data(self, model: str, why: str) -> str:
        """Why a model does not go with the data, in three words; "" if it is not the model."""
        data = self._info
        if data is None:
            return ""
        try:
            kind = presets.load("models", model).type
            tasks = task_rules.learned(kind)
            if not task_rules.learns(kind, data):
                what = task_rules.of(data.task).what
                only_text = tasks == ("language",)
                return "needs text data" if only_text else f"not for {what}"
        except ConfigError:  # a plug-in's
            return ""
        needs = re.search(r"\bneeds (\w+)", why)
        return f"needs {needs[1]}" if needs else "not for this data"

    def with_settings(self, optimizer: str, settings: Mapping[str, Any]) -> RunConfig:
        """The configuration of one of the chosen optimizers with these settings, some of which may
        be those of another one. Raises ConfigError."""
        return self._resolve(
            optimizer, per_optimizer_settings.for_one(settings, optimizer, self.optimizers)
        )

    def _resolve(self, optimizer: str, settings: Mapping[str, Any]) -> RunConfig:
        # Whoever starts a run here watches it, and can decide.
        given = {"on_non_finite": "pause", **settings}
        if self.fork is not None:
            names = {"model": self.model, "dataset": self.dataset, "optimizer": optimizer}
            given = self.fork.settings(names) | given
        config = self._resolved(optimizer, given)
        if self.fork is None or {"epochs", "steps"} & settings.keys():
            return config
        # Where the parent has taken all its steps already, a child takes as many again.
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
