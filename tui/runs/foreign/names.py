"""Translate the names of foreign metrics to ours; pure."""

import re

from tui.runs.foreign.names_of_roles import SPLITS as _SPLITS
from tui.text import clean

MAX_NAME_LENGTH = 200

_QUALITIES = {("loss",): "loss", ("acc",): "accuracy", ("accuracy",): "accuracy"}
_OF_TRAINING = {
    ("lr",): "lr",
    ("learning", "rate"): "lr",
    ("grad", "norm"): "grad_norm",
    ("gradient", "norm"): "grad_norm",
    ("gradnorm",): "grad_norm",
}
_LR_MONITOR = re.compile(r"lr-\w+")
"""The name that Lightning's LearningRateMonitor gives the learning rate: `lr-Adam`."""


def ours(name: str) -> str:
    """Our name for such as `train_loss`, `Loss/val`, `eval_accuracy` and `learning_rate`; any other
    name is returned as it is, made safe to print."""
    if _LR_MONITOR.fullmatch(name):
        return "lr"
    words = [word for word in re.split(r"[^a-z0-9]+", name[:MAX_NAME_LENGTH].lower()) if word]
    if words and words[-1] == "step":  # Lightning's `train_loss_step`, beside `train_loss_epoch`
        words.pop()
    if len(words) > 1 and words[0] == "epoch":  # Keras' `epoch_loss`, of train and validation apart
        del words[0]
    splits = [_SPLITS[word] for word in words if word in _SPLITS]
    rest = tuple(word for word in words if word not in _SPLITS)
    split = splits[0] if splits else "train"
    if len(splits) <= 1 and rest in _QUALITIES:
        return f"{split}/{_QUALITIES[rest]}"
    if len(splits) <= 1 and split == "train" and rest in _OF_TRAINING:
        return _OF_TRAINING[rest]
    return clean(name, MAX_NAME_LENGTH)


class Names:
    """The names of one log; of two names that would be translated alike, only the first one is."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()
        self.refused = 0
        """Number of values that were refused because of the limit."""

    def __call__(self, name: str, values: int = 1) -> str | None:
        """Our name of a metric; None if the log has more metrics than the limit, which counts its
        values as refused."""
        known = self._known.get(name)
        if known is not None:
            return known
        if len(self._known) >= self._limit:
            self.refused += values
            return None
        chosen = ours(name)
        if chosen in self._taken:
            chosen = clean(name, MAX_NAME_LENGTH)
        while chosen in self._taken:  # two long names with the same beginning
            chosen += "'"
        self._taken.add(chosen)
        self._known[name] = chosen
        return chosen
