"""Which metric a run is judged by, and whether more of a metric is better; pure.

One place decides it for every list: the metric that is customary for the task, else a loss, else
the first that the run has.
"""

import re
from collections.abc import Collection

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
}
_LARGER = re.compile(
    r"(^|[/_.])(accuracy|acc\d*|top\d|f1|auc|auroc|ap|map|precision|recall|iou|miou|dice|bleu"
    r"|rouge\w*|r2|score|reward|return|psnr|ssim|win_rate|success)($|[/_.@])",
    re.IGNORECASE,
)
_OTHERS = ("lr", "grad_norm", "clipped", "epoch", "mfu", "grad_cosine", "noise_scale")


def larger_is_better(metric: str) -> bool:
    """Whether a metric is best large, as an accuracy is; what is not known is best small, as a
    loss, an error or a perplexity."""
    return _LARGER.search(metric) is not None and "loss" not in metric


def judged(task: str, metrics: Collection[str]) -> str:
    """The metric by which a run is judged; "" if it has none that says how good it is."""
    names = ([CUSTOMARY[task]] if task in CUSTOMARY else []) + ["loss"]
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
