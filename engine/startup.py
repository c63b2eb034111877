"""Build optimizers without waiting for torch's compiler.

torch.optim imports `torch._dynamo` (1.3 s, 800 modules) to mark its functions as not compilable,
when the first optimizer is built and again when it steps. No optimizer is compiled here, and that
import is almost half of the time to the first step. Where a model is compiled, the compiler is
imported for it, and none of this makes a difference. Without these attributes, in another torch,
all stays correct and only that time is lost.
"""

import inspect
from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from torch import optim

from engine import registry
from engine.parameter_groups import Groups
from presets.schema import Component


def build_optimizer(component: Component, groups: Groups) -> optim.Optimizer:
    """The configured optimizer for the groups of `parameter_groups.of`.

    Raises ConfigError, in one line, for what the optimizer cannot do with them.
    """
    for function in vars(optim.Optimizer).values():
        plain = getattr(function, "__wrapped__", None)
        if plain is not None and not hasattr(plain, "__dynamo_disable"):
            # What torch._disable_dynamo itself remembers once it has marked a function.
            plain.__dynamo_disable = plain
    optimizer: optim.Optimizer = registry.build("optimizer", component, groups)
    for part in getattr(optimizer, "parts", [optimizer]):
        _pass_by_compiler(part)
    return optimizer


def _pass_by_compiler(optimizer: optim.Optimizer) -> None:
    """Take torch's request to the compiler out of `step`; its hooks stay around it.

    Most classes of torch.optim have that layer; those of other libraries, composites, LBFGS, Muon,
    Adafactor and SparseAdam do not, and stay as they are.
    """
    layer = inspect.unwrap(type(optimizer).step, stop=_asks_compiler)
    if _asks_compiler(layer) and not optimizer.defaults.get("differentiable"):
        step = torch.no_grad()(layer.__wrapped__)  # what is left of it, if not differentiable
        hooked = optim.Optimizer.profile_hook_step(step)
        optimizer.step = MethodType(hooked, optimizer)  # type: ignore[method-assign]


def _asks_compiler(function: Callable[..., Any]) -> bool:
    """Whether it is a function that torch.optim's `_use_grad_for_differentiable` made."""
    return getattr(getattr(function, "__code__", None), "co_name", "") == "_use_grad"
