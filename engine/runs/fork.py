"""Forks: a new run that begins with a checkpoint of another one.

A fork takes the settings that its parent had at the checkpoint. What commands changed after the
checkpoint is offered beside them, and taken only where a person asks for it:

    at = fork.settings_at(parent)                # the newest checkpoint, its settings, the changes
    fork.config(at)                              # as it was at the checkpoint
    fork.config(at, with_changes=True)           # and with what was changed since
    fork.config(at, settings={"steps": 400})     # a person's own settings win over both
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import structs, to_builtins

from engine.config import configure, registry, schedules
from engine.runs import checkpoint, log_reader
from engine.runs.checkpoint import Checkpoint, State
from engine.runs.control import Arguments
from engine.runs.run_directory import RunDir
from presets import ConfigError, UserError, dotted_keys
from presets.convert import convert
from presets.schema import VALUES, RunConfig, plain, run_config


@dataclass(frozen=True)
class Change:
    """A setting that a command changed after a checkpoint."""

    key: str
    """Dotted, such as `optimizer.lr` or `clip.mode`."""
    old: Any
    """Its value at the checkpoint."""
    new: Any
    """Its value now."""

    def __str__(self) -> str:
        old, new = (f"{v:g}" if isinstance(v, float) else str(v) for v in (self.old, self.new))
        return f"{self.key} {old} -> {new}"


@dataclass(frozen=True)
class SettingsAt:
    """A checkpoint, the settings of its run at that step, and what was changed since."""

    checkpoint: Checkpoint
    config: RunConfig
    """What commands had changed by then included; its `parent` names the checkpoint, its `name` is
    empty. Epochs and steps are totals, which may be done already."""
    changes: tuple[Change, ...]
    """By later commands, one entry a setting; a setting that is back at its value has none."""

    @property
    def changed(self) -> dict[str, Any]:
        """The new values of `changes` by dotted key, as `configure.resolve` takes settings."""
        return {change.key: change.new for change in self.changes}


def settings_at(
    parent: RunDir,
    checkpoint_name: str | None = None,
    *,
    warn: Callable[[str], None] = lambda line: print(line, file=sys.stderr),
) -> SettingsAt:
    """The settings at a checkpoint of `parent`, and which of them were changed afterwards.

    Without a name it is the newest whole checkpoint, one with finite weights if there is any;
    `warn` gets a line for each that is damaged. Reads every byte of the checkpoint and the whole
    log, which may take seconds. Raises UserError, in one line.
    """
    found = _find(parent, checkpoint_name, warn)
    state = checkpoint.read_state(found)
    tree = _as_it_was(parent.config(), state)
    tree["parent"] = f"{parent.id}/{found.name}"
    config = run_config(tree)
    return SettingsAt(found, config, _changes(config, state, _later(parent, state)))


def config(
    at: SettingsAt,
    *,
    optimizer: str | None = None,
    settings: Mapping[str, Any] | None = None,
    with_changes: bool = False,
) -> RunConfig:
    """The checked configuration of a fork.

    It has the settings at the checkpoint, then those changed since if asked for, then the optimizer
    preset and `settings`, as in `configure.resolve`. Epochs and steps are totals, which include the
    parent's. Raises UserError, in one line.
    """
    tree = plain(at.config)
    for key, value in at.changed.items() if with_changes else ():
        configure.put(tree, key, value)
    if optimizer is not None:
        tree["optimizer"], brought = configure.section("optimizer", optimizer)
        for key, value in dotted_keys.flatten(brought, VALUES).items():
            configure.put(tree, key, value)
    for key, value in (settings or {}).items():
        configure.put(tree, key, value)
    made = run_config(tree)
    configure.check(made)
    total, done = configure.plan(made).steps, at.checkpoint.step
    if total <= done:
        raise UserError(
            f"steps: {done} are done at {at.checkpoint.name}, and the total is {total}; set a "
            f"larger one, such as --set steps={2 * done}"
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


def _find(parent: RunDir, name: str | None, warn: Callable[[str], None]) -> Checkpoint:
    if name is not None:
        return checkpoint.named(parent, name)
    found = checkpoint.newest_valid(parent, warn, finite_first=True)
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


def _later(parent: RunDir, state: State) -> list[tuple[int, Arguments]]:
    """The step and arguments of each `set` command that the checkpoint does not have yet."""
    try:
        events = log_reader.commands(parent.events_path)
    except OSError as error:
        raise UserError(f"{parent.events_path}: cannot be read ({error.strerror})") from None
    # An engine that goes on from a checkpoint applies a command again; the last time counts.
    applied = {e.id: e for e in events if (e.command, e.outcome) == ("set", "applied")}
    known = frozenset(state.applied)
    later = [event for key, event in applied.items() if key not in known]
    found = []
    for event in sorted(later, key=lambda event: event.step):
        try:
            found.append((event.step, convert(event.arguments, Arguments)))
        except ConfigError:
            continue  # of a newer version, which knows more settings
    return found


def _changes(
    config: RunConfig, state: State, later: Sequence[tuple[int, Arguments]]
) -> tuple[Change, ...]:
    """What commands after a checkpoint made of the settings there."""
    plan = configure.plan(config)
    lr, clip, steps = state.lr, state.clip, state.steps
    for step, arguments in later:
        factors = [
            schedules.factor(
                config.schedule,
                at,
                lr=lr,
                steps=steps,
                steps_per_epoch=plan.steps_per_epoch,
                drops=state.plateau.drops,
            )
            for at in (max(1, step), step + 1)
        ]
        # As the engine does it: a command sets the rate of the next step, the schedule included.
        if arguments.lr is not None:
            lr = arguments.lr / factors[1]
        elif arguments.lr_factor is not None:
            lr *= arguments.lr_factor * factors[0] / factors[1]
        clip = clip.changed(arguments.clip_mode, arguments.clip_threshold)
        if arguments.steps is not None:
            steps = arguments.steps
        elif arguments.epochs is not None:
            steps = arguments.epochs * plan.steps_per_epoch
    found = [Change("optimizer.lr", state.lr, lr)]
    for field in structs.fields(clip):
        old, new = getattr(state.clip, field.name), getattr(clip, field.name)
        found.append(Change(f"clip.{field.name}", old, new))
    if config.epochs is not None and steps % plan.steps_per_epoch == 0:
        found.append(Change("epochs", config.epochs, steps // plan.steps_per_epoch))
    else:
        found.append(Change("steps", plan.steps, steps))
    return tuple(change for change in found if change.old != change.new)
