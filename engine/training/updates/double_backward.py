"""Forward passes whose gradients can be differentiated again."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


@contextmanager
def twice_differentiable() -> Iterator[None]:
    """Inside, torch uses only kernels that have second derivatives, unlike fused attention and
    cuDNN's recurrent networks."""
    with sdpa_kernel(SDPBackend.MATH), torch.backends.cudnn.flags(enabled=False):
        yield
