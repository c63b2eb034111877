"""A checked configuration from presets and a person's settings, and what the run will cost."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

from msgspec import Struct

import presets
from engine.config import registry, task_rules
from engine.config.registry import DatasetInfo, Kind
from presets import ConfigError, dotted_keys, plugins, userpresets
from presets.schema import VALUES, Component, Preset, Recipe, RunConfig, run_config

KINDS: tuple[Kind, ...] = ("model", "dataset", "optimizer")

# A rough machine for the first estimate, before any run was measured: one CPU core.
_STEP_SECONDS = 1.2e-3
_MULTIPLY_ADDS_PER_SECOND = 8e9


class Plan(Struct, frozen=True, kw_only=True):
    """The size of a run before it starts: parameters, samples, steps, time."""

    num_parameters: int
    samples: Mapping[str, int]
    batch_size: int
    """Samples a step; the last step of an epoch may take fewer. With `batch_tokens` their mean."""
    steps_per_epoch: int
    steps: int
    seconds: float
    """A rough estimate of the training time on one CPU core."""


def resolve(
    *,
    recipe: str | Recipe = "quickstart",
    model: str | None = None,
    dataset: str | None = None,
    optimizer: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> RunConfig:
    """A checked configuration from a recipe, with presets put in place of its parts.

    `settings` are dotted keys such as {"optimizer.lr": 3e-4, "clip.mode": "none"}; they win over
    the settings that a preset put in place brings along, and these over the recipe's. Setting one
    of `epochs` and `steps` clears the other. Raises ConfigError, in one line.
    """
    base = presets.load("recipes", recipe) if isinstance(recipe, str) else recipe
    chosen: dict[Kind, str | None] = {"model": model, "dataset": dataset, "optimizer": optimizer}
    names = {kind: name or getattr(base, kind) for kind, name in chosen.items()}
    try:
        return _combined(base, names, settings or {})
    except ConfigError as error:
        path = _file_at_fault(recipe, names)
        if path is None or str(error).startswith(str(path)):
            raise
        raise ConfigError(f"{path}: {error}") from None


def _combined(base: Recipe, names: Mapping[Kind, str], settings: Mapping[str, Any]) -> RunConfig:
    config = composed(base, names, settings)
    check(config)
    return config


def composed(base: Recipe, names: Mapping[Kind, str], settings: Mapping[str, Any]) -> RunConfig:
    """The configuration of a recipe with these presets and settings. Unlike `resolve`, it checks
    neither whether the parts go together nor the data. Raises ConfigError."""
    tree: dict[str, Any] = {}
    own: list[tuple[str, Any]] = []
    placed: list[tuple[str, Any]] = []
    for kind, name in names.items():
        tree[kind], brought = section(kind, name)
        settings_of = own if name == getattr(base, kind) else placed
        settings_of.extend(dotted_keys.flatten(brought, VALUES).items())
    for key, value in own:
        put(tree, key, value)
    for key, value in dotted_keys.flatten(base.settings, VALUES).items():
        part = cast("Kind", dotted_keys.split(key)[0])
        if part not in KINDS or names[part] == getattr(base, part):
            put(tree, key, value)
    for key, value in [*placed, *settings.items()]:
        put(tree, key, value)
    _find_data_from_anywhere(tree["dataset"])
    return run_config(tree)


def _file_at_fault(recipe: str | Recipe, names: Mapping[Kind, str]) -> Path | None:
    """The user's own preset that is at fault, among those of a configuration: one that cannot be
    used even by itself."""
    for kind, name in names.items():
        own = userpresets.named(cast("Any", f"{kind}s"), name)
        if own is not None and isinstance(own.preset, Preset):
            part = Component(name=name, type=own.preset.type, options=own.preset.options)
            if _fails(partial(registry.config, kind, part)):
                return own.path
    own = userpresets.named("recipes", recipe) if isinstance(recipe, str) else None
    if own is not None and isinstance(own.preset, Recipe):
        base = own.preset
        its = {kind: str(getattr(base, kind)) for kind in KINDS}
        if _fails(partial(_combined, base, its, {})):
            return own.path
    return None


def _fails(check_part: Callable[[], object]) -> bool:
    try:
        check_part()
    except ConfigError:
        return True
    return False


def section(kind: Kind, name: str) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """What a preset puts into its section of a configuration, and the settings of the run that it
    brings along. Raises ConfigError."""
    plural = f"{kind}s"
    try:
        preset = presets.load(cast("Any", plural), name)
    except ConfigError as error:
        raise ConfigError(f"{error}{plugins.hint(plural, name)}") from None
    return {"name": name, "type": preset.type, **registry.options(kind, preset)}, preset.run


def _find_data_from_anywhere(dataset: Any) -> None:
    """Make the path of the data absolute: a run may be resumed from another folder."""
    path = dataset.get("path") if isinstance(dataset, dict) else None
    if isinstance(path, str) and path:
        with suppress(RuntimeError):  # the home of a user who does not exist
            dataset["path"] = str(Path(path).expanduser().absolute())


def put(tree: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key of a configuration's plain data; one of `epochs` and `steps` clears the
    other. Raises ConfigError."""
    if key in ("epochs", "steps") and value is not None:
        tree["steps" if key == "epochs" else "epochs"] = None
    dotted_keys.put(tree, key, value)


def check(config: RunConfig) -> None:
    """Reject options that a component does not allow, and settings that do not go together."""
    for kind in KINDS:
        component: Component = getattr(config, kind)
        module = registry.module(kind, component.type)
        options = registry.config(kind, component)
        if hasattr(module, "check"):
            try:
                module.check(options, config)
            except ValueError as error:
                raise ConfigError(str(error)) from None
    data = dataset_info(config)
    task_rules.check(config, data)
    _check_step(config, data)
    if config.batch_size == "full" and not data.fixed:
        raise ConfigError(
            f"batch_size: {config.dataset.name} draws new samples every epoch and has no full "
            "batch; give a number"
        )


def _check_step(config: RunConfig, data: DatasetInfo) -> None:
    """Reject settings of the training step that exclude each other."""
    if config.batch_size != "full" and config.accumulate > config.batch_size:
        raise ConfigError(
            f"accumulate: expected at most batch_size = {config.batch_size}, "
            f"got {config.accumulate}"
        )
    module = registry.module("optimizer", config.optimizer.type)
    if getattr(module, "CLOSURE", False) and config.precision == "fp16":
        raise ConfigError(f"precision: {config.optimizer.name} works with fp32, tf32 or bf16")
    if config.precision == "tf32" and config.device == "cpu":
        raise ConfigError("precision: tf32 needs a CUDA device; a CPU has fp32, bf16 or fp16")
    if config.channels_last and len(data.input_shape) != 3:
        raise ConfigError(f"channels_last: {config.dataset.name} has no images; expected false")
    warmup, steps = config.schedule.warmup_steps, config.steps
    if steps is not None and warmup >= steps:
        raise ConfigError(f"schedule.warmup_steps: expected less than {steps} steps, got {warmup}")


def dataset_info(config: RunConfig) -> DatasetInfo:
    """Shapes and sizes of the run's data set, without loading it."""
    module = registry.module("dataset", config.dataset.type)
    info: DatasetInfo = module.info(registry.config("dataset", config.dataset))
    return info


def plan(config: RunConfig) -> Plan:
    """Steps, parameters and a rough time, without torch and without loading data."""
    data = dataset_info(config)
    module = registry.module("model", config.model.type)
    cost: registry.Cost = module.cost(registry.config("model", config.model), data)
    train = data.samples["train"]
    batch_size = train if config.batch_size == "full" else min(config.batch_size, train)
    if config.batch_tokens is None:
        steps_per_epoch = batches_per_epoch(train, batch_size)
    else:
        steps_per_epoch = max(1, min(train, -(-data.tokens["train"] // config.batch_tokens)))
        batch_size = -(-train // steps_per_epoch)
    steps = config.steps or steps_per_epoch * cast("int", config.epochs)
    # Backward costs about twice the forward pass.
    work = 3 * cost.multiply_adds * batch_size
    seconds = steps * (_STEP_SECONDS + work / _MULTIPLY_ADDS_PER_SECOND)
    return Plan(
        num_parameters=cost.num_parameters,
        samples=data.samples,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        steps=steps,
        seconds=seconds,
    )


def batches_per_epoch(samples: int, batch_size: int) -> int:
    """The number of steps in an epoch. A last batch of one sample is left out: batch norm has no
    variance for it."""
    whole, rest = divmod(samples, batch_size)
    return max(1, whole + (rest > 1 or (rest == 1 and batch_size == 1)))
