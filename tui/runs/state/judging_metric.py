"""Which metric a run is judged by, and whether more of a metric is better; pure.

One place decides it for every list: the metric that is customary for the task, else the one that
its task told when the run began, else a loss, else the first that the run has.
"""

import re
from collections.abc import Collection

from tui.text import clean

CUSTOMARY = {
    "classification": "accuracy",
    "regression": "mae",
    "language": "bits_per_char",
}
"""The name, without a split, of the metric that is customary for a task."""
TITLES = {
    "accuracy": "Accuracy",
    "mae": "Mean absolute error",
    "bits_per_char": "Bits per character",
    "bleu": "BLEU",
    "chrf": "chrF",
    "wer": "Word error rate",
    "cer": "Character error rate",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougel": "ROUGE-L",
}
"""Names of metrics for people, where they are not the words of the metric's own name."""
_LARGER = re.compile(
    r"(^|[/_.])(accuracy|acc\d*|top\d|f1|auc|auroc|ap|map|precision|recall|iou|miou|dice|bleu|chrf"
    r"|rouge\w*|r2|score|reward|return|psnr|ssim|win_rate|wins\w*|success)($|[/_.@])",
    re.IGNORECASE,
)
_OTHERS = ("lr", "grad_norm", "clipped", "epoch", "mfu", "grad_cosine", "noise_scale")


def larger_is_better(metric: str, told: tuple[str, str] = ("", "")) -> bool:
    """Whether a metric is best large, as an accuracy is; what is not known is best small, as a
    loss, an error or a perplexity. `told` are a metric without a split and "max" or "min"."""
    if told[0] and told[1] and metric.rpartition("/")[2] == told[0]:
        return told[1] == "max"
    return _LARGER.search(metric) is not None and "loss" not in metric


def customary(task: str, told: str = "") -> str:
    """The name, without a split, of the metric that a task is judged by; `told` is what the run
    itself says of that. "" if nothing is known."""
    return CUSTOMARY.get(task, told)


def title(metric: str) -> str:
    """The name of a metric, without a split, for people."""
    return TITLES.get(metric) or clean(metric, 40).replace("_", " ").capitalize()


def judged(task: str, metrics: Collection[str], told: str = "") -> str:
    """The metric by which a run is judged; "" if it has none that says how good it is."""
    names = [name for name in (customary(task, told), "loss") if name]
    for split in ("val", "train"):
        of_split = [name for name in metrics if name.startswith(f"{split}/")]
        for wanted in [f"{split}/{name}" for name in names]:
            if wanted in metrics:
                return wanted
        if of_split:
            return of_split[0]
    others = [name for name in metrics if _says_how_good(name)]
    return next((name for name in others if name.endswith("loss")), next(iter(others), ""))


def _says_how_good(metric: str) -> bool:
    measured = metric in _OTHERS or metric.endswith("_per_second")
    return not measured and not metric.startswith(("clip/", "system/", "scaler/", "test/"))
