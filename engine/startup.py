"""Build optimizers without waiting for torch's compiler.

torch.optim imports `torch._dynamo` (1.3 s, 800 modules) to mark its functions as not compilable,
when the first optimizer is built and again when it steps. Nothing is compiled here, and that
import is almost half of the time to the first step. Without these attributes, in another torch,
all stays correct and only that time is lost.
"""

import inspect
from types import MethodType

import torch
from torch import nn, optim

from engine import registry
from presets.schema import Component


def build_optimizer(component: Component, parameters: list[nn.Parameter]) -> optim.Optimizer:
    """The configured optimizer; its `step` runs torch's own code, without the hooks around it."""
    for function in vars(optim.Optimizer).values():
        plain = getattr(function, "__wrapped__", None)
        if plain is not None and not hasattr(plain, "__dynamo_disable"):
            # What torch._disable_dynamo itself remembers once it has marked a function.
            plain.__dynamo_disable = plain
    optimizer: optim.Optimizer = registry.build("optimizer", component, parameters)
    step = torch.no_grad()(inspect.unwrap(type(optimizer).step))
    optimizer.step = MethodType(step, optimizer)  # type: ignore[method-assign]
    return optimizer
