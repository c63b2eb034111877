"""What a column's name says of its role: step, epoch, time, phase or label; pure."""

import re

STEPS = (
    "train/global_step",
    "trainer/global_step",
    "global_step",
    "global step",
    "globalstep",
    "step",
    "_step",
    "current_steps",
    "num_updates",
    "steps",
    "iteration",
    "iterations",
    "iter",
    "iters",
    "n_iter",
    "it",
    "time/total_timesteps",
    "total_timesteps",
    "timesteps",
    "timestep",
    "update",
    "updates",
    "batch",
)
"""Names of steps in order of preference."""
EPOCHS = ("epoch", "epochs", "train/epoch", "cur_epoch", "current_epoch", "epoch_num", "ep")
TIMES = (
    "_timestamp",
    "timestamp",
    "wall time",
    "wall_time",
    "walltime",
    "datetime",
    "date",
    "_runtime",
    "runtime",
    "time/time_elapsed",
    "time_elapsed",
    "elapsed_time",
    "elapsed",
    "relative time (process)",
    "relative time (wall)",
    "seconds",
    "time",
)
NO_METRIC = frozenset({"_timestamp", "_runtime", "_step", "_wandb"})
"""Fields that W&B adds to each record, which are not metrics."""
PHASES = (
    "phase",
    "mode",
    "split",
    "stage",
    "subset",
    "set",
    "partition",
    "dataset",
    "data",
    "loop",
)
SPLITS = {
    "train": "train",
    "training": "train",
    "fit": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "validate": "val",
    "eval": "val",
    "evaluate": "val",
    "evaluation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
"""Words for a phase, and our word."""
TELLS_APART = frozenset(
    {
        "seed", "fold", "run", "run_id", "run_name", "trial", "rank", "worker", "replica", "lane",
        "member", "experiment", "exp", "id", "repeat", "repetition", "split_id", "cv", "task",
        "env_id", "actor", "agent", "process", "gpu",
    }
)  # fmt: skip
"""Names of columns with numbers that may tell runs apart."""
METRIC_NAMES = ("metric", "metrics", "metric_name", "name", "tag", "key", "variable", "measure")
VALUE_NAMES = ("value", "values", "val", "score", "y")
_COUNTS = re.compile(
    r"(step|iter|iteration|update|timestep|episode|frame|round|minibatch)s?|batch(es)?"
)
_TOTALS = frozenset(
    {"max", "total", "planned", "warmup", "eval", "logging", "save", "per", "decay", "size"}
    | {"sec", "second", "time"}
)


def words(name: str) -> list[str]:
    """The words of a name, in small letters."""
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]


def step_rank(name: str) -> int | None:
    """How well a name suits a step: 0 is best; None if it suits none."""
    small = name.strip().lower()
    if small in STEPS:
        return STEPS.index(small)
    if "/" in small:
        last = small.rsplit("/", 1)[1]
        if last in STEPS:
            return len(STEPS) + STEPS.index(last)
        first, both = small.rsplit("/", 1)[0], words(small)
        if both and set(both) & {"max", "total", "of"} and step_rank(first) is not None:
            return step_rank(first)  # `global_step/max_steps`
    found = words(name)
    if found and _COUNTS.fullmatch(found[-1]) and not _TOTALS & set(found):
        return 2 * len(STEPS)
    return None


def is_epoch(name: str) -> bool:
    """Whether a name suits an epoch."""
    small = name.strip().lower()
    return small in EPOCHS or small.rsplit("/", 1)[-1] in EPOCHS[:2]


def time_rank(name: str) -> int | None:
    """How well a name suits a time: 0 is best; None if it suits none."""
    small = name.strip().lower()
    return TIMES.index(small) if small in TIMES else None
