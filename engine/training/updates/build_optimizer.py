"""Build optimizers without waiting for torch's compiler.

torch.optim imports `torch._dynamo` (1.3 s, 800 modules) to mark its functions as not compilable,
when the first optimizer is built and again when it steps. No optimizer is compiled here, and that
import is almost half of the time to the first step. If a model is compiled, the compiler is
imported for it anyway. If another version of torch lacks these attributes, results stay correct and
only that time is lost.
"""

import inspect
from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from torch import optim

from engine.config import registry
from engine.training.updates.fused_adam import gather_once
from engine.training.updates.parameter_groups import Groups
from presets import ConfigError
from presets.schema import Component


def build_optimizer(component: Component, groups: Groups) -> optim.Optimizer:
    """The configured optimizer for the groups of `parameter_groups.of`.

    Raises ConfigError, in one line, if the optimizer cannot train these parameters.
    """
    _refuse_sparse(component, groups)
    for function in vars(optim.Optimizer).values():
        plain = getattr(function, "__wrapped__", None)
        if plain is not None and not hasattr(plain, "__dynamo_disable"):
            # What torch._disable_dynamo itself remembers once it has marked a function.
            plain.__dynamo_disable = plain
    optimizer: optim.Optimizer = registry.build("optimizer", component, groups)
    for part in getattr(optimizer, "parts", [optimizer]):
        _pass_by_compiler(part)
        gather_once(part)
    return optimizer


def scales_gradients(optimizer: optim.Optimizer) -> bool:
    """Whether the optimizer's kernel divides all gradients by its attribute `grad_scale`, which
    torch.amp.GradScaler uses, at no cost. On a GPU the guard needs that attribute."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    supported = getattr(optimizer, "_step_supports_amp_scaling", False)
    return supported and all(weight.device.type == "cpu" for weight in weights)


def _refuse_sparse(component: Component, groups: Groups) -> None:
    takes = getattr(registry.module("optimizer", component.type), "SPARSE", False)
    if not takes and any("sparse table" in group["kinds"] for group in groups):
        raise ConfigError(
            f"optimizer: {component.name} takes no sparse gradients; expected sparse-adam, or "
            "model.sparse = false"
        )


def _pass_by_compiler(optimizer: optim.Optimizer) -> None:
    """Make `step` bypass torch's compiler, and the layer of hooks and profiler while there are
    neither (hooks for all optimizers at once are not called).

    Most classes of torch.optim call the compiler; those of other libraries, composites, LBFGS,
    Muon, Adafactor and SparseAdam do not, and are left as they are.
    """
    layer = inspect.unwrap(type(optimizer).step, stop=_asks_compiler)
    if not _asks_compiler(layer) or optimizer.defaults.get("differentiable"):
        return
    plain = torch.no_grad()(layer.__wrapped__)  # what is left of it, if not differentiable
    hooked = optim.Optimizer.profile_hook_step(plain)

    def step(self: optim.Optimizer, closure: Callable[[], Any] | None = None) -> Any:
        watched = self._optimizer_step_pre_hooks or self._optimizer_step_post_hooks
        whole = watched or torch.autograd._profiler_enabled()  # type: ignore[attr-defined]
        return (hooked if whole else plain)(self, closure)

    optimizer.step = MethodType(step, optimizer)  # type: ignore[method-assign]


def _asks_compiler(function: Callable[..., Any]) -> bool:
    """Whether it is a function that torch.optim's `_use_grad_for_differentiable` made."""
    return getattr(getattr(function, "__code__", None), "co_name", "") == "_use_grad"
