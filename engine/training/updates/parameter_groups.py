"""Divide a model's parameters into the groups that an optimizer treats differently."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from engine.config import registry
from presets import ConfigError
from presets.schema import ParameterGroups, RunConfig

if TYPE_CHECKING:
    from torch import nn

Kind = Literal["matrix", "table", "sparse table", "head", "other"]
"""`table`: an embedding, `sparse table` if its gradients are sparse; `head`: the weights of the
output layer, if the model ends with a linear layer; `matrix`: others of two dimensions."""

Groups = list[dict[str, Any]]
"""Parameter groups as in torch, with `params`, and in addition
`names` and `kinds`, one for each parameter;
`decay`     whether weight decay applies to them;
`lr_scale`  a factor of the learning rate."""


def of(model: nn.Module, config: RunConfig) -> Groups:
    """The groups of a run's model. Raises ConfigError for a pattern that matches no parameter."""
    options = registry.config("optimizer", config.optimizer)
    decays = getattr(options, "weight_decay", 0.0) > 0
    return split(model, config.groups, decays=decays)


def split(model: nn.Module, settings: ParameterGroups, *, decays: bool) -> Groups:
    """The trained parameters in groups of equal treatment, those with `lr_scale` 1 first.

    With one learning rate for all, and if nothing `decays`, that is one group in the model's order.
    Norms and biases, which have fewer than two dimensions, are not shrunk, as is usual for
    residual networks and transformers (He et al. 2019, arXiv:1812.01187, section 3.1).
    Raises ConfigError for a pattern that matches no parameter.
    """
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    _refuse_unused(settings.lr_scale, [name for name, _ in named])
    kinds = _kinds(model)
    groups: dict[tuple[float, bool], dict[str, Any]] = {}
    for name, weight in named:
        scale = _scale(settings, name)
        decay = decays and (settings.decay_norms_and_biases or weight.dim() >= 2)
        empty = {"params": [], "names": [], "kinds": [], "lr_scale": scale, "decay": decay}
        group = groups.setdefault((scale, decay), empty)
        group["params"].append(weight)
        group["names"].append(name)
        group["kinds"].append(kinds.get(id(weight), "matrix" if weight.dim() == 2 else "other"))
    return sorted(groups.values(), key=lambda group: bool(group["lr_scale"] != 1))


def tuned(groups: Groups, config: Any) -> Groups:
    """The groups with the `lr` of an optimizer's options, times their scale, and with the options'
    `weight_decay`, if there is one, where it applies."""
    decay = getattr(config, "weight_decay", None)
    result = []
    for group in groups:
        own = {**group, "lr": config.lr * group["lr_scale"]}
        if decay is not None:
            own["weight_decay"] = decay if group["decay"] else 0.0
        result.append(own)
    return result


def batched(groups: Groups, up_to: int = 400_000) -> bool:
    """Whether torch's `foreach` updates, all tensors in one call, are faster than one by one.

    On a GPU they are. On a CPU they pass through memory once for each operation: measured with
    torch 2.13, they are 15 to 20 % faster for models of up to about 400,000 numbers, and half as
    fast for larger ones, which do not fit into the cache.
    """
    weights = [weight for group in groups for weight in group["params"]]
    small = sum(weight.numel() for weight in weights) <= up_to
    return small or all(weight.device.type != "cpu" for weight in weights)


def only(groups: Groups, kinds: Iterable[Kind]) -> Groups:
    """The groups with parameters of these kinds alone; groups without any are left out."""
    wanted, result = set(kinds), []
    for group in groups:
        rows = [row for row, kind in enumerate(group["kinds"]) if kind in wanted]
        if rows:
            lists = {key: [group[key][row] for row in rows] for key in ("params", "names", "kinds")}
            result.append({**group, **lists})
    return result


def completed(state: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The state_dict `state` of an optimizer with the groups of `own`, which supplies keys that an
    older one lacks, and the choice of kernels, since that depends on the device. Raises
    ValueError if the groups are of other parameters."""
    groups = []
    for group, mine in zip(state["param_groups"], own["param_groups"], strict=True):
        if group.get("names", mine.get("names")) != mine.get("names"):
            raise ValueError("its groups are of other parameters")
        kernels = {key: mine[key] for key in ("foreach", "fused") if key in mine}
        groups.append({**mine, **group, **kernels})
    return {**state, "param_groups": groups}


def fitted(theirs: dict[str, Any], own: dict[str, Any], memory: Iterable[str]) -> dict[str, Any]:
    """The state_dict `theirs` of another optimizer, fitted to the groups and settings of `own`;
    parameters are matched by name.

    `memory` lists the keys of its groups that are state, not settings. Raises KeyError if `own`
    lacks a parameter.
    """
    groups, past = own["param_groups"], theirs["param_groups"]
    label = "names" if all("names" in group for group in [*groups, *past]) else "params"
    numbers = dict(_labelled(groups, label))
    state = {
        numbers[name]: theirs["state"][number]
        for name, number in _labelled(past, label)
        if number in theirs["state"]
    }
    if len(past) != len(groups):
        past = [past[0]] * len(groups)
    return {
        "state": state,
        "param_groups": [
            {**group, **{key: old[key] for key in memory if key in old}}
            for group, old in zip(groups, past, strict=True)
        ],
    }


def _labelled(groups: Groups, label: str) -> Iterator[tuple[Any, int]]:
    """The label and the number of each parameter."""
    for group in groups:
        yield from zip(group[label], group["params"], strict=True)


def _scale(settings: ParameterGroups, name: str) -> float:
    """The learning-rate scale of the first pattern that matches, else 1."""
    matching = (scale for key, scale in settings.lr_scale.items() if fnmatchcase(name, key))
    return next(matching, 1.0)


def _refuse_unused(patterns: Iterable[str], names: list[str]) -> None:
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.0)
            raise ConfigError(
                f"groups.lr_scale: {pattern!r} matches no parameter; nearest: {', '.join(near)}"
            )


def _kinds(model: nn.Module) -> dict[int, Kind]:
    """The kinds that follow from the modules, by the `id` of the parameter."""
    from torch import nn

    kinds: dict[int, Kind] = {}
    last = [module for module in model.modules() if module._parameters][-1:]
    if last and isinstance(last[0], nn.Linear):
        kinds[id(last[0].weight)] = "head"
    for module in model.modules():
        if isinstance(module, nn.Embedding | nn.EmbeddingBag):
            kinds[id(module.weight)] = "sparse table" if module.sparse else "table"
    return kinds
