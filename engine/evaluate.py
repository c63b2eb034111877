"""Means over a whole validation or test set."""

import torch
from torch import Tensor, nn

from engine.losses import Loss

_CHUNK = 1024  # samples at a time: bounds the memory, whatever the size of the set


@torch.inference_mode()
def evaluate(model: nn.Module, x: Tensor, y: Tensor, loss: Loss) -> dict[str, float]:
    """`loss` and `accuracy` over all samples, in evaluation mode; the mode is restored.

    x: float32 (n, *input_shape), y: int64 (n,). Every sample weighs the same, also those of a
    last chunk that is smaller.
    """
    was_training = model.training
    model.eval()
    try:
        sums = torch.zeros(2, dtype=torch.float64, device=x.device)
        for images, labels in zip(torch.split(x, _CHUNK), torch.split(y, _CHUNK), strict=True):
            logits = model(images)
            correct = (logits.argmax(dim=1) == labels).sum()
            sums += torch.stack([loss(logits, labels, "sum").double(), correct.double()])
        total, correct_total = (sums / len(x)).tolist()
    finally:
        model.train(was_training)
    return {"loss": total, "accuracy": correct_total}
