"""The rules of each task: what it measures, what it is judged by, what its data has; pure."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from presets.schema import Loss

Unit = Literal["samples", "tokens", "frames", "moves"]
"""The unit of throughput."""


class TaskRules(Struct, frozen=True, kw_only=True):
    """What is known of a task without torch."""

    metrics: tuple[str, ...]
    """The means over a validation or test set, `loss` first. One that needs a package that is not
    installed, or that its data has not, is left out of a run."""
    best: tuple[str, Literal["max", "min"]]
    """The validation mean that decides which checkpoint is the best, and in which direction."""
    unit: Unit = "samples"
    losses: tuple[Loss, ...] = ("cross_entropy",)
    """The losses that a run may ask for; the first one is that of `auto`."""
    what: str
    """What the data has, in a word or two: "classes"."""
    smoothing: bool = False
    """Whether labels can be smoothed."""
    loss_tells: bool = True
    """Whether the training loss says how good a model is, as a learning-rate range test needs."""
    like: str = ""
    """The built-in task whose models can learn this one too, since their outputs are alike; for
    plug-ins, whose task no model knows by name."""
    packages: Mapping[str, str] = {}
    """The package that a metric needs, by the metric. Without it the metric is left out, and if a
    run would be judged by that one, it is judged by accuracy or loss."""


RULES: dict[str, TaskRules] = {
    "classification": TaskRules(
        metrics=("loss", "accuracy"),
        best=("accuracy", "max"),
        losses=("cross_entropy", "mse"),
        what="classes",
        smoothing=True,
    ),
    "regression": TaskRules(
        metrics=("loss", "mae", "r2"), best=("loss", "min"), losses=("mse",), what="numbers"
    ),
    "language": TaskRules(
        metrics=("loss", "bits_per_char", "bits_per_byte"),
        best=("loss", "min"),
        unit="tokens",
        what="text",
        smoothing=True,
    ),
    "speech": TaskRules(
        metrics=("loss", "wer", "cer"),
        best=("wer", "min"),
        unit="frames",
        losses=("ctc",),
        what="speech",
        packages={"wer": "jiwer", "cer": "jiwer"},
    ),
    "control": TaskRules(
        metrics=("loss", "return", "length", "entropy"),
        best=("return", "max"),
        unit="moves",
        losses=("ppo",),
        what="actions",
        loss_tells=False,
    ),
    "translation": TaskRules(
        metrics=("loss", "accuracy", "bleu", "chrf"),
        best=("bleu", "max"),
        unit="tokens",
        what="translations",
        smoothing=True,
        packages={"bleu": "sacrebleu", "chrf": "sacrebleu"},
    ),
    "summarisation": TaskRules(
        metrics=("loss", "accuracy", "rouge1", "rouge2", "rougel"),
        best=("rougel", "max"),
        unit="tokens",
        what="summaries",
        smoothing=True,
        packages=dict.fromkeys(("rouge1", "rouge2", "rougel"), "rouge_score"),
    ),
    "imitation": TaskRules(
        metrics=("loss", "accuracy", "top3", "value_mse", "win_rate"),
        best=("accuracy", "max"),
        unit="moves",
        what="moves of games",
        smoothing=True,
    ),
    "self-play": TaskRules(
        metrics=("loss", "accuracy", "win_rate"),
        best=("win_rate", "max"),
        unit="moves",
        losses=("mse",),
        what="a game to play with oneself",
    ),
}
"""By name; the tasks themselves are in `engine/tasks`, a file of that name each."""
