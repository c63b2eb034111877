"""Regression: each sample has one or more numbers."""

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from engine.config.registry import Codec, DatasetInfo
from engine.config.task_rule_table import RULES
from engine.runs.events import AnyEvent, Prediction
from engine.tasks import sample_display
from engine.tasks.held_out_split import HeldOut
from engine.tasks.task import Split, Task, evaluating, outputs, sums
from presets.schema import RunConfig

TOLERANCE = 0.5
"""A prediction counts as right if none of its numbers is off by more than this, in standard
deviations of the training targets."""


def build(config: RunConfig, info: DatasetInfo, codec: Codec | None) -> "Regression":
    """The task of a run."""
    return Regression(info, predictions=config.predictions, codec=codec)


class Regression(Task):
    """The task of predicting numbers: outputs and targets float32 (n, numbers), both normalised, in
    standard deviations of the training targets from their mean."""

    rules = RULES["regression"]

    def __init__(
        self, info: DatasetInfo, *, predictions: int = 16, codec: Codec | None = None
    ) -> None:
        """`codec` is that of inputs that are symbols."""
        self._names = info.names
        self._predictions = predictions
        self._codec = codec

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """The mean squared error over samples and numbers; 0-dim."""
        return F.mse_loss(output, y)

    def metrics(self, output: Tensor, y: Tensor) -> dict[str, Tensor]:
        """`mae`, the mean absolute error."""
        return {"mae": (output.detach() - y).abs().mean()}

    def evaluate(self, model: nn.Module, held: HeldOut) -> dict[str, float]:
        """The means `loss`; `mae`, the mean absolute error; and `r2`, 1 - residual / total sum of
        squares of each number about its mean in this split, averaged over the numbers: NaN if a
        number does not vary."""
        with evaluating(model):
            targets = torch.cat([y for _, y in held.chunks()])
            numbers = targets.shape[1]
            squares, absolutes = sums(numbers, held.device), sums(numbers, held.device)
            for predicted, expected in outputs(model, held):
                errors = (predicted - expected).double()
                squares += errors.square().sum(dim=0)
                absolutes += errors.abs().sum(dim=0)
            exact = targets.double()
            total = (exact - exact.mean(dim=0)).square().sum(dim=0)
            r2 = torch.where(total > 0, 1 - squares / total, torch.nan).mean()
            means = [squares.sum() / targets.numel(), absolutes.sum() / targets.numel(), r2]
            loss, mae, explained = torch.stack(means).tolist()
        return {"loss": loss, "mae": mae, "r2": explained}

    def pictures(
        self, model: nn.Module, held: HeldOut, *, step: int, split: Split
    ) -> list[AnyEvent]:
        """Samples with their predictions."""
        if not self._predictions:
            return []
        with evaluating(model):
            pairs = list(outputs(model, held))
            predicted, y = (torch.cat(parts) for parts in zip(*pairs, strict=True))
            near = ((predicted - y).abs() <= TOLERANCE).all(dim=1)
            chosen = sample_display.choose(near, self._predictions)
            shown, _ = held.samples(held.order[chosen.cpu().numpy()])
            samples = [
                Prediction(
                    expected=self._text(expected),
                    predicted=self._text(guess),
                    correct=correct,
                    **sample_display.sample(inputs, self._codec),
                )
                for expected, guess, correct, inputs in zip(
                    y[chosen].tolist(),
                    predicted[chosen].tolist(),
                    near[chosen].tolist(),
                    shown.cpu(),
                    strict=True,
                )
            ]
        return sample_display.predictions(samples, step, split)

    def _text(self, numbers: list[float]) -> str:
        words = [f"{number:.3g}" for number in numbers]
        if len(self._names) == len(words) > 1:
            words = [f"{name} {word}" for name, word in zip(self._names, words, strict=True)]
        return ", ".join(words)
