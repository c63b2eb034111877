"""The settings of a race: its lanes, how they are tuned, how often each is run, and the target."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, structs, to_builtins

from engine.config import configure
from presets import ConfigError, dotted_keys
from presets.convert import convert
from presets.schema import VALUES, Config, Count, Positive, RunConfig, Target, plain, run_config

Tier = Literal["quick", "fair", "rigorous"]
Better = Literal["max", "min"]

SEEDS: dict[Tier, int] = {"quick": 3, "fair": 5, "rigorous": 10}
TRIALS: dict[Tier, int] = {"quick": 0, "fair": 8, "rigorous": 7}
"""The number of runs in which the learning rate of each lane is tuned."""
EVALUATIONS = 20
"""The number of evaluations of each run, at the same steps for all lanes."""
MAX_LANES = 256
_LONGER_BY = 5
"""The steps of a run outside the race, as a multiple of those within it."""


class LaneSpec(Config, frozen=True, kw_only=True):
    """One of the configurations that are compared."""

    label: Annotated[str, Meta(min_length=1, max_length=60)]
    config: dict[str, Any]
    """The configuration as `presets.schema.plain` writes it; runs replace the seed and, after
    tuning, the learning rate."""

    def run_config(self, **changes: Any) -> RunConfig:
        """The checked configuration of one run, with dotted settings put into it (`__` for `.`)."""
        tree = run_config(self.config)
        data = plain(tree)
        for key, value in changes.items():
            configure.put(data, key.replace("__", "."), value)
        config = run_config(data)
        configure.check(config)
        return config


class RaceSpec(Config, frozen=True, kw_only=True):
    """The settings of a race, as in `race.json` of its directory."""

    lanes: tuple[LaneSpec, ...]
    tier: Tier = "quick"
    """`quick`: every lane as its preset has it, reported as untuned; `fair`: the same number of
    tuning trials for each, with learning rates drawn log-uniformly, and the best on validation data
    then run with fresh seeds; `rigorous`: the same over a grid of learning rates."""
    seeds: Annotated[int, Meta(ge=1, le=1000)] = 3
    """Runs of each lane, with seeds 0, 1, ..."""
    trials: Annotated[int, Meta(ge=1, le=1000)] = 1
    """Tuning runs of each lane, in the tiers that tune."""
    rate_span: Annotated[float, Meta(gt=1)] = 30.0
    """Trials take learning rates between the default divided by this and the default times this."""
    budget: Count
    """Optimizer steps of every run, and the horizon of its schedule."""
    metric: str
    """The metric that lanes are judged by, a validation mean `val/...`."""
    better: Better
    target: str | None = None
    """The target, such as `val/accuracy >= 0.97`. Lanes are ranked by the steps to it; without it
    by the best value."""
    hold: Count = 2
    """Evaluations in a row that count as having reached the target for good."""
    reference: str = ""
    """The label of the lane that speed-ups are relative to; the first one if empty."""
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    """Runs at a time on the CPU; with more than one, times are not compared. GPUs have one each."""

    def __post_init__(self) -> None:
        labels = [lane.label for lane in self.lanes]
        if not 1 <= len(labels) <= MAX_LANES:
            raise ValueError(f"lanes: expected 1 to {MAX_LANES}, got {len(labels)}")
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"lanes: expected different labels, got {twice[0]!r} twice")
        if self.reference and self.reference not in labels:
            known = ", ".join(labels)
            raise ValueError(f"reference: expected one of {known}, got {self.reference!r}")

    @property
    def goal(self) -> Target | None:
        """The parsed target."""
        return run_config(self.lanes[0].config | {"target": self.target}).stop_target()

    @property
    def reference_lane(self) -> str:
        return self.reference or self.lanes[0].label

    @property
    def num_runs(self) -> int:
        """The number of trials and final runs of all lanes."""
        return len(self.lanes) * (self.seeds + self.num_trials)

    @property
    def num_trials(self) -> int:
        """The number of trials of each lane."""
        return 0 if self.tier == "quick" else self.trials


def build(
    configs: Mapping[str, RunConfig],
    *,
    tier: Tier = "quick",
    seeds: int | None = None,
    trials: int | None = None,
    budget: int | None = None,
    target: str | None = None,
    reference: str = "",
    workers: int = 1,
) -> RaceSpec:
    """A checked race between configurations, by label.

    Without a `budget` it is the longest plan among them. Raises ConfigError where the lanes differ
    in what a fair comparison holds equal: data set, batch size, loss.
    """
    if not configs:
        raise ConfigError("a race needs lanes; give optimizers, or --vary KEY=VALUE,VALUE")
    plans = {label: configure.plan(config) for label, config in configs.items()}
    steps = budget or max(plan.steps for plan in plans.values())
    _check_alike(configs)
    first = next(iter(configs.values()))
    metric, better = _judged_by(first, target)
    lanes = tuple(
        LaneSpec(label=label, config=plain(_for_race(config, steps)))
        for label, config in configs.items()
    )
    spec = convert(
        {
            "lanes": to_builtins(lanes),
            "tier": tier,
            "seeds": SEEDS[tier] if seeds is None else seeds,
            "trials": max(1, TRIALS[tier]) if trials is None else trials,
            "budget": steps,
            "metric": metric,
            "better": better,
            "target": target,
            "reference": reference,
            "workers": workers,
        },
        RaceSpec,
        "race",
    )
    for lane in spec.lanes:
        lane.run_config(target=target)  # says what is wrong with the target, if anything is
    return spec


def extended(
    spec: RaceSpec, configs: Mapping[str, RunConfig], seeds: int | None = None
) -> RaceSpec:
    """The same race with more lanes and seeds. Raises ConfigError as `build` does."""
    if seeds is not None and seeds < spec.seeds:
        raise ConfigError(f"seeds: the race has {spec.seeds} already, got {seeds}")
    # Beside a lane that is there, so that what is held equal is checked too.
    first = {spec.lanes[0].label: spec.lanes[0].run_config()}
    added = build({**first, **configs}, budget=spec.budget, target=spec.target).lanes[1:]
    changes = {"lanes": to_builtins((*spec.lanes, *added)), "seeds": seeds or spec.seeds}
    return convert(to_builtins(spec) | changes, RaceSpec, "race")


def _for_race(config: RunConfig, steps: int) -> RunConfig:
    """The same configuration with what a race holds equal put into it."""
    made = structs.replace(
        config,
        steps=steps,
        epochs=None,
        target=None,  # a lane that stopped early could not be judged at the end
        evaluate_every=max(1, steps // EVALUATIONS),
        on_non_finite="stop",
        fingerprint=True,
        keep_weights=True,
        predictions=0,
        name="",
        parent=None,
    )
    configure.check(made)
    return made


def longer(config: RunConfig) -> RunConfig:
    """The configuration of a run outside the race with a lane's settings: five times as long,
    without what only a race needs."""
    steps = (config.steps or 1) * _LONGER_BY
    return structs.replace(
        config,
        steps=steps,
        fingerprint=False,
        keep_weights=False,
        predictions=16,
        evaluate_every=None,
    )


def _judged_by(config: RunConfig, target: str | None) -> tuple[str, Better]:
    from engine.config import task_rules

    if target is not None:
        parsed = run_config(plain(config) | {"target": target}).stop_target()
        assert parsed is not None
        return parsed.metric, "max" if parsed.op == ">=" else "min"
    name, better = task_rules.of(configure.dataset_info(config).task).best
    return f"val/{name}", better


def _check_alike(configs: Mapping[str, RunConfig]) -> None:
    """Raises ConfigError if lanes differ in what decides which problem they solve."""
    labels = list(configs)
    first = configs[labels[0]]
    for label in labels[1:]:
        other = configs[label]
        for key in ("dataset", "batch_size", "loss", "label_smoothing", "seed", "device"):
            mine, its = _at(first, key), _at(other, key)
            if mine != its:
                raise ConfigError(
                    f"race: {key} differs between {labels[0]} ({_short(mine)}) and {label} "
                    f"({_short(its)}); set it alike for all lanes, or leave one of them out"
                )


def _at(config: RunConfig, key: str) -> Any:
    return plain(config)[key]


def _short(value: Any) -> str:
    return str(value.get("name", value)) if isinstance(value, dict) else str(value)


def differences(configs: Sequence[RunConfig]) -> list[str]:
    """The dotted keys in which some of the configurations differ: what a race is about."""
    flat = [dotted_keys.flatten(plain(config), VALUES) for config in configs]
    keys = dict.fromkeys(key for each in flat for key in each)
    return [key for key in keys if len({str(each.get(key)) for each in flat}) > 1]


def trial_lrs(lane: LaneSpec, tier: Tier, trials: int, span: float) -> list[float]:
    """The learning rates of a lane's trials, around its own; the same factors for every lane.

    `fair` draws them log-uniformly, `rigorous` takes a grid.
    """
    import numpy as np

    default: Positive = float(lane.run_config().optimizer.options["lr"])
    if tier == "rigorous":
        places = np.linspace(-1.0, 1.0, trials) if trials > 1 else np.zeros(1)
    else:
        places = np.random.default_rng(_RATES_SEED).uniform(-1.0, 1.0, trials)
    return [float(f"{default * span**place:.4g}") for place in places]


_RATES_SEED = 20231110
