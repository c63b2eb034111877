"""Divide a model's parameters into the groups that an optimizer treats differently."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from engine import registry
from presets import ConfigError
from presets.schema import ParameterGroups, RunConfig

if TYPE_CHECKING:
    from torch import nn

Kind = Literal["matrix", "table", "sparse table", "head", "other"]
"""`table`: of embeddings, `sparse table` if its gradients are sparse; `head`: the weights of the
output layer; `matrix`: all others of two dimensions."""

Groups = list[dict[str, Any]]
"""As torch has them, with `params`, and beside these
`names` and `kinds`, one for each parameter;
`decay`     whether weight decay applies to them;
`lr_scale`  a factor of the learning rate."""


def of(model: nn.Module, config: RunConfig) -> Groups:
    """The groups of a run. Raises ConfigError for a pattern that matches no parameter."""
    options = registry.config("optimizer", config.optimizer)
    decays = getattr(options, "weight_decay", 0.0) > 0
    return split(model, config.groups, decays=decays)


def split(model: nn.Module, settings: ParameterGroups, *, decays: bool) -> Groups:
    """The trained parameters in groups of equal treatment, those with `lr_scale` 1 first.

    Without different rates, and where nothing `decays`, that is one group in the model's order.
    Norms and biases, which have fewer than two dimensions, are not shrunk: it takes away from what
    a unit can say and does not regularise (as in GPT-2's and ResNet's usual recipes).
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
    """The groups with the `lr` of a component's options, and with their `weight_decay` if they
    have one, each as its group says."""
    decay = getattr(config, "weight_decay", None)
    result = []
    for group in groups:
        own = {**group, "lr": config.lr * group["lr_scale"]}
        if decay is not None:
            own["weight_decay"] = decay if group["decay"] else 0.0
        result.append(own)
    return result


def only(groups: Groups, kinds: Iterable[Kind]) -> Groups:
    """The parameters of some kinds, in the same groups; groups that have none are left out."""
    wanted, result = set(kinds), []
    for group in groups:
        rows = [row for row, kind in enumerate(group["kinds"]) if kind in wanted]
        if rows:
            lists = {key: [group[key][row] for row in rows] for key in ("params", "names", "kinds")}
            result.append({**group, **lists})
    return result


def fitted(theirs: dict[str, Any], own: dict[str, Any], kept: Iterable[str] = ()) -> dict[str, Any]:
    """An optimizer's state_dict for another one's groups and settings, parameters matched by name.

    Of their groups `kept` are the keys that are memory and no settings. Raises KeyError if a
    parameter is missing in `own`.
    """
    numbers = dict(_numbered(own["param_groups"]))
    state = {
        numbers[name]: theirs["state"][number]
        for name, number in _numbered(theirs["param_groups"])
        if number in theirs["state"]
    }
    memory = theirs["param_groups"]
    if len(memory) != len(own["param_groups"]):
        memory = [memory[0]] * len(own["param_groups"])
    groups = [
        {**group, **{key: past[key] for key in kept if key in past}}
        for group, past in zip(own["param_groups"], memory, strict=True)
    ]
    return {"state": state, "param_groups": groups}


def _numbered(groups: Groups) -> Iterator[tuple[Any, int]]:
    """Names and numbers of parameters; a checkpoint that is older than the names has numbers."""
    for group in groups:
        yield from zip(group.get("names", group["params"]), group["params"], strict=True)


def _scale(settings: ParameterGroups, name: str) -> float:
    """That of the first pattern which matches."""
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
    """What is known from their modules, by the `id` of the parameter."""
    from torch import nn

    kinds: dict[int, Kind] = {}
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if linear:
        kinds[id(linear[-1].weight)] = "head"
    for module in model.modules():
        if isinstance(module, nn.Embedding | nn.EmbeddingBag):
            kinds[id(module.weight)] = "sparse table" if module.sparse else "table"
    return kinds
