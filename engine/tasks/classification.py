"""Classification: each sample has one of several classes."""

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from engine.config import task_rules
from engine.config.registry import Codec, DatasetInfo, Samples
from engine.config.task_rule_table import RULES
from engine.runs.events import AnyEvent, Confusion, Prediction, Reference
from engine.tasks import sample_display
from engine.tasks.held_out_split import HeldOut
from engine.tasks.measures import word_baselines
from engine.tasks.task import Split, Task, evaluating, outputs, sums
from presets.schema import Loss, RunConfig

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


def build(config: RunConfig, info: DatasetInfo, codec: Codec | None) -> "Classification":
    """The task of a run."""
    return Classification(
        info,
        loss=task_rules.loss_name(config, info.task),
        smoothing=config.label_smoothing,
        predictions=config.predictions,
        codec=codec,
    )


class Classification(Task):
    """The task of predicting classes: logits float (n, classes), labels int64 (n,)."""

    rules = RULES["classification"]

    def __init__(
        self,
        info: DatasetInfo,
        *,
        loss: Loss,
        smoothing: float = 0.0,
        predictions: int = 16,
        codec: Codec | None = None,
    ) -> None:
        """`codec` is that of inputs that are symbols."""
        self._names = info.names or tuple(str(label) for label in range(info.num_outputs))
        self._symbols = info.num_symbols
        self._loss = loss
        self._smoothing = smoothing
        self._predictions = predictions
        self._codec = codec

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Cross entropy in nats, with labels smoothed as in Szegedy et al. 2016 (arXiv:1512.00567),
        or the mean squared error of the probabilities; 0-dim."""
        if self._loss == "mse":
            return mse(output, y, self._smoothing).mean()
        return F.cross_entropy(output, y, label_smoothing=self._smoothing)

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """`accuracy`, the share of samples whose largest logit is that of their class."""
        return {"accuracy": torch.mean(output.argmax(dim=1) == y, dtype=torch.float32)}

    def evaluate(self, model: nn.Module, held: HeldOut) -> dict[str, float]:
        """The means `loss`, in nats or as a squared error, and `accuracy`."""
        with evaluating(model):
            total = sums(2, held.device)
            for logits, labels in outputs(model, held):
                correct = (logits.argmax(dim=1) == labels).sum()
                total += torch.stack([self._samples(logits, labels).double().sum(), correct])
            loss, accuracy = (total / len(held)).tolist()
        return {"loss": loss, "accuracy": accuracy}

    def references(self, train: Samples, held: HeldOut) -> list[Reference]:
        """The accuracy of the most frequent class and, for symbols, of logistic regression."""
        return word_baselines.references(
            train, held, classes=len(self._names), symbols=self._symbols
        )

    def _samples(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of each sample without smoothing, (n,)."""
        if self._loss == "mse":
            return mse(logits, labels)
        return F.cross_entropy(logits, labels, reduction="none")

    def pictures(
        self, model: nn.Module, held: HeldOut, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """The confusion matrix, for up to 64 classes, and samples with their predictions."""
        if not (self._predictions or len(self._names) <= MAX_CONFUSION):
            return []
        with evaluating(model):
            each = [(*logits.softmax(dim=1).max(dim=1), y) for logits, y in outputs(model, held)]
            confidences, predicted, y = (torch.cat(parts) for parts in zip(*each, strict=True))
            found: list[AnyEvent] = []
            if len(self._names) <= MAX_CONFUSION:
                found.append(self._confusion(predicted, y, step, split))
            chosen = sample_display.choose(predicted == y, self._predictions)
            labels, guesses = y[chosen].tolist(), predicted[chosen].tolist()
            shown, _ = held.samples(held.order[chosen.cpu().numpy()])
            samples = [
                Prediction(
                    expected=self._names[label],
                    predicted=self._names[guess],
                    correct=label == guess,
                    confidence=sample_display.finite(confidence),
                    **sample_display.sample(inputs, self._codec),
                )
                for label, guess, confidence, inputs in zip(
                    labels, guesses, confidences[chosen].tolist(), shown.cpu(), strict=True
                )
            ]
        return found + sample_display.predictions(samples, step, split)

    def _confusion(self, predicted: Tensor, y: Tensor, step: int, split: Split) -> Confusion:
        classes = len(self._names)
        counts = torch.bincount(y * classes + predicted, minlength=classes**2)
        return Confusion(
            split=split,
            step=step,
            names=list(self._names),
            counts=counts.view(classes, classes).tolist(),
        )
