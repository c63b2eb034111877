"""Classification: each sample has one of several classes."""

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from engine.config import task_rules
from engine.config.registry import DatasetInfo
from engine.runs.events import AnyEvent, Confusion, Prediction
from engine.tasks import pictures
from engine.tasks.task import Split, evaluating, outputs, sums
from presets.schema import Loss

MAX_CONFUSION = 64
"""Maximum number of classes of a confusion matrix: more do not fit on a screen."""


def mse(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Squared error between softmax probabilities and one-hot labels, mean over classes: the Brier
    score (Brier 1950) divided by the number of classes.

    logits: float (n, classes); labels: int64 (n,); the result is float (n,).

    Smoothing mixes the labels with an even distribution, as for cross entropy.
    """
    classes = logits.shape[1]
    expected = F.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    return (logits.softmax(dim=1) - expected).square().mean(dim=1)


class Classification:
    """The task of predicting classes: logits float (n, classes), labels int64 (n,)."""

    unit = task_rules.UNITS["classification"]
    best = task_rules.BEST["classification"]

    def __init__(
        self, info: DatasetInfo, *, loss: Loss, smoothing: float = 0.0, predictions: int = 16
    ) -> None:
        self._names = info.names or tuple(str(label) for label in range(info.num_outputs))
        self._loss = loss
        self._smoothing = smoothing
        self._predictions = predictions

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Cross entropy in nats, with labels smoothed as in Szegedy et al. 2016 (arXiv:1512.00567),
        or the mean squared error of the probabilities; 0-dim."""
        if self._loss == "mse":
            return mse(output, y, self._smoothing).mean()
        return F.cross_entropy(output, y, label_smoothing=self._smoothing)

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """`accuracy`, the share of samples whose largest logit is that of their class."""
        return {"accuracy": torch.mean(output.argmax(dim=1) == y, dtype=torch.float32)}

    def size(self, y: Tensor) -> int:
        """The number of samples."""
        return len(y)

    def evaluate(self, model: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
        """The means `loss`, in nats or as a squared error, and `accuracy`."""
        with evaluating(model):
            total = sums(2, x.device)
            for logits, labels in outputs(model, x, y):
                correct = (logits.argmax(dim=1) == labels).sum()
                total += torch.stack([self._samples(logits, labels).double().sum(), correct])
            loss, accuracy = (total / len(x)).tolist()
        return {"loss": loss, "accuracy": accuracy}

    def _samples(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of each sample without smoothing, (n,)."""
        if self._loss == "mse":
            return mse(logits, labels)
        return F.cross_entropy(logits, labels, reduction="none")

    def pictures(
        self, model: nn.Module, x: Tensor, y: Tensor, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """The confusion matrix, for up to 64 classes, and samples with their predictions."""
        if not (self._predictions or len(self._names) <= MAX_CONFUSION):
            return []
        with evaluating(model):
            pairs = [logits.softmax(dim=1).max(dim=1) for logits, _ in outputs(model, x, y)]
            confidences, predicted = (torch.cat(parts) for parts in zip(*pairs, strict=True))
            found: list[AnyEvent] = []
            if len(self._names) <= MAX_CONFUSION:
                found.append(self._confusion(predicted, y, step, split))
            chosen = pictures.choose(predicted == y, self._predictions)
            labels, guesses = y[chosen].tolist(), predicted[chosen].tolist()
            samples = [
                Prediction(
                    expected=self._names[label],
                    predicted=self._names[guess],
                    correct=label == guess,
                    confidence=pictures.finite(confidence),
                    **pictures.sample(inputs),
                )
                for label, guess, confidence, inputs in zip(
                    labels, guesses, confidences[chosen].tolist(), x[chosen].cpu(), strict=True
                )
            ]
        return found + pictures.predictions(samples, step, split)

    def _confusion(self, predicted: Tensor, y: Tensor, step: int, split: Split) -> Confusion:
        classes = len(self._names)
        counts = torch.bincount(y * classes + predicted, minlength=classes**2)
        return Confusion(
            split=split,
            step=step,
            names=list(self._names),
            counts=counts.view(classes, classes).tolist(),
        )
