"""Regression: each sample has one or more numbers."""

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from engine.config import task_rules
from engine.config.registry import DatasetInfo
from engine.runs.events import AnyEvent, Prediction
from engine.tasks import pictures
from engine.tasks.task import Split, evaluating, outputs, sums

TOLERANCE = 0.5
"""A prediction counts as right if none of its numbers is off by more than this, in standard
deviations of the training targets."""


class Regression:
    """The task of predicting numbers: outputs and targets float32 (n, numbers), both normalised, in
    standard deviations of the training targets from their mean."""

    unit = task_rules.UNITS["regression"]
    best = task_rules.BEST["regression"]

    def __init__(self, info: DatasetInfo, *, predictions: int = 16) -> None:
        self._names = info.names
        self._predictions = predictions

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """The mean squared error over samples and numbers; 0-dim."""
        return F.mse_loss(output, y)

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """`mae`, the mean absolute error."""
        return {"mae": (output.detach() - y).abs().mean()}

    def size(self, y: Tensor) -> int:
        """The number of samples."""
        return len(y)

    def evaluate(self, model: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
        """The means `loss`; `mae`, the mean absolute error; and `r2`, 1 - residual / total sum of
        squares of each number about its mean in this split, averaged over the numbers: NaN if a
        number does not vary."""
        with evaluating(model):
            squares, absolutes = sums(y.shape[1], x.device), sums(y.shape[1], x.device)
            for predicted, expected in outputs(model, x, y):
                errors = (predicted - expected).double()
                squares += errors.square().sum(dim=0)
                absolutes += errors.abs().sum(dim=0)
            exact = y.double()
            total = (exact - exact.mean(dim=0)).square().sum(dim=0)
            r2 = torch.where(total > 0, 1 - squares / total, torch.nan).mean()
            means = [squares.sum() / y.numel(), absolutes.sum() / y.numel(), r2]
            loss, mae, explained = torch.stack(means).tolist()
        return {"loss": loss, "mae": mae, "r2": explained}

    def pictures(
        self, model: nn.Module, x: Tensor, y: Tensor, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """Samples with their predictions."""
        if not self._predictions:
            return []
        with evaluating(model):
            predicted = torch.cat([output for output, _ in outputs(model, x, y)])
            near = ((predicted - y).abs() <= TOLERANCE).all(dim=1)
            chosen = pictures.choose(near, self._predictions)
            samples = [
                Prediction(
                    expected=self._text(expected),
                    predicted=self._text(guess),
                    correct=correct,
                    **pictures.sample(inputs),
                )
                for expected, guess, correct, inputs in zip(
                    y[chosen].tolist(),
                    predicted[chosen].tolist(),
                    near[chosen].tolist(),
                    x[chosen].cpu(),
                    strict=True,
                )
            ]
        return pictures.predictions(samples, step, split)

    def _text(self, numbers: list[float]) -> str:
        words = [f"{number:.3g}" for number in numbers]
        if len(self._names) == len(words) > 1:
            words = [f"{name} {word}" for name, word in zip(self._names, words, strict=True)]
        return ", ".join(words)
