"""Forks: a new run that begins with a checkpoint of another one, with changed settings."""

from collections.abc import Mapping
from typing import Any

from msgspec import to_builtins

from engine.config import configure, registry
from engine.runs import checkpoint
from engine.runs.checkpoint import Checkpoint, State
from engine.runs.run_directory import RunDir
from presets import UserError
from presets.schema import RunConfig, plain, run_config


def config(
    parent: RunDir,
    *,
    checkpoint_name: str | None = None,
    optimizer: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> RunConfig:
    """The configuration of a fork of `parent`, from its newest checkpoint unless one is named.

    It has the parent's settings as they were at the checkpoint, steered ones included; then come
    the optimizer preset and `settings`, as in `configure.resolve`. Epochs and steps are totals,
    which include the parent's. Raises UserError, in one line.
    """
    found = _find(parent, checkpoint_name)
    tree = _as_it_was(parent.config(), checkpoint.read_state(found))
    if optimizer is not None:
        tree["optimizer"], brought = configure.section("optimizer", optimizer)
        for key, value in configure.flatten(brought):
            configure.put(tree, key, value)
    for key, value in (settings or {}).items():
        configure.put(tree, key, value)
    tree["parent"] = f"{parent.id}/{found.name}"
    made = run_config(tree)
    configure.check(made)
    total = configure.plan(made).steps
    if total <= found.step:
        raise UserError(
            f"steps: {found.step} are done at {found.name}, and the total is {total}; set a larger "
            f"one, such as --set steps={2 * found.step}"
        )
    return made


def find_parent(run: RunDir, parent: str) -> Checkpoint:
    """The checkpoint that `parent` of a configuration names, in a run beside `run`, verified.

    Raises UserError, in one line.
    """
    name, _, checkpoint_name = parent.partition("/")
    if "/" in checkpoint_name or name in ("", ".", ".."):
        raise UserError(f"parent: expected RUN_ID/CHECKPOINT, got {parent!r}")
    return checkpoint.named(RunDir(run.path.parent / name), checkpoint_name)


def _find(parent: RunDir, name: str | None) -> Checkpoint:
    if name is not None:
        return checkpoint.named(parent, name)
    found = checkpoint.newest_valid(parent)
    if found is None:
        raise UserError(f"{parent.id}: no checkpoint to fork from")
    return found


def _as_it_was(parent: RunConfig, state: State) -> dict[str, Any]:
    """Plain data of a configuration, with what commands had changed by then."""
    tree = plain(parent)
    tree["name"] = ""
    if getattr(registry.config("optimizer", parent.optimizer), "lr", state.lr) != state.lr:
        tree["optimizer"]["lr"] = state.lr
    tree["clip"] = to_builtins(state.clip)
    if configure.plan(parent).steps != state.steps:
        configure.put(tree, "steps", state.steps)
    return tree
