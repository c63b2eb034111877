"""The commands that steer a running engine, and the one that forks a run."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
import msgspec

from engine.runs import control, run_directory
from engine.runs.control import Arguments, CommandName
from engine.runs.events import Command
from engine.runs.log_reader import LogReader
from engine.runs.run_directory import RunDir
from presets import UserError
from presets.convert import convert
from tui.choices import orders
from tui.choices.fields import pairs
from tui.commands import find_runs
from tui.commands.completion import complete_runs, presets_of
from tui.commands.errors import PROGRAM
from tui.commands.options import PlainValue, exclusive
from tui.text import clean

ANSWER_SECONDS = 5.0
"""How long a command waits for the engine's answer."""
_POLL_SECONDS = 0.05
_REJECTED = 1

_run = click.argument("name", metavar="RUN", shell_complete=complete_runs)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


def register(group: click.Group, runs_dir: Any) -> None:
    """Add the commands to `group`; `runs_dir` is its option for the runs directory."""
    for command in (pause, resume, stop, checkpoint, profile, set_command, fork):
        group.add_command(runs_dir(command))


@click.command()
@_run
@_json
@click.pass_context
def pause(context: click.Context, name: str, root: Path, as_json: bool) -> None:
    """Pause a run between two steps."""
    context.exit(_steer(find_runs.find_steered(root, name), "pause", {}, as_json=as_json))


@click.command()
@_run
@_json
@click.pass_context
def resume(context: click.Context, name: str, root: Path, as_json: bool) -> None:
    """Let a paused run go on."""
    context.exit(_steer(find_runs.find_steered(root, name), "resume", {}, as_json=as_json))


@click.command()
@_run
@click.option(
    "--after",
    type=click.Choice(["step", "epoch"]),
    default="step",
    help="What to finish first; a step unless said.",
)
@_json
@click.pass_context
def stop(context: click.Context, name: str, root: Path, after: str, as_json: bool) -> None:
    """Stop a run and save it."""
    given = {"after": after} if after != "step" else {}
    context.exit(_steer(find_runs.find_steered(root, name), "stop", given, as_json=as_json))


@click.command()
@_run
@_json
@click.pass_context
def checkpoint(context: click.Context, name: str, root: Path, as_json: bool) -> None:
    """Save a run now."""
    context.exit(_steer(find_runs.find_ours(root, name), "checkpoint", {}, as_json=as_json))


@click.command()
@_run
@_json
@click.pass_context
def profile(context: click.Context, name: str, root: Path, as_json: bool) -> None:
    """Profile the next 20 steps of a run.

    The dashboard shows the result; the trace goes to the run's directory.
    """
    context.exit(_steer(find_runs.find_ours(root, name), "profile", {}, as_json=as_json))


@click.command("set")
@_run
@click.option("--lr", metavar="X", type=PlainValue(), help="Learning rate.")
@click.option("--lr-factor", metavar="X", type=PlainValue(), help="Multiply the learning rate.")
@click.option("--clip-norm", metavar="X", type=PlainValue(), help="Clip by the global L2 norm.")
@click.option("--clip-value", metavar="X", type=PlainValue(), help="Clip each element.")
@click.option("--no-clip", is_flag=True, help="Do not clip.")
@click.option("--clip", metavar="'MODE X'", help="Any clipping, such as 'agc 0.01'.")
@click.option("--epochs", metavar="N", type=PlainValue(), help="New total of epochs.")
@click.option("--steps", metavar="N", type=PlainValue(), help="New total of steps.")
@click.option(
    "--own",
    metavar="NAME[=VALUE]",
    multiple=True,
    help="What a loop of your own registered with run.on(NAME, ...).",
)
@_json
@click.pass_context
def set_command(
    context: click.Context, /, name: str, root: Path, as_json: bool, **options: Any
) -> None:
    """Change a run while it trains."""
    found = find_runs.find_ours(root, name)
    context.exit(_steer(found, "set", _set_arguments(options), as_json=as_json))


def _set_arguments(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given as fields of `Arguments`; UserError, in one line."""
    exclusive(options, "lr", "lr_factor")
    exclusive(options, "epochs", "steps")
    exclusive(options, "clip", "clip_norm", "clip_value", "no_clip")
    names = ("lr", "lr_factor", "epochs", "steps")
    given = {name: options[name] for name in names if options[name] is not None}
    if options["no_clip"]:
        given["clip_mode"] = "none"
    if options["clip"] is not None:
        given |= msgspec.to_builtins(orders.clipping(options["clip"]))
    for mode in ("norm", "value"):
        if options[f"clip_{mode}"] is not None:
            given |= {"clip_mode": mode, "clip_threshold": options[f"clip_{mode}"]}
    if options["own"]:
        given["own"] = {
            name: value for text in options["own"] for name, value in orders.own(text).own.items()
        }
    if not given:
        raise UserError(f"nothing to set; `{PROGRAM} set --help` lists what can be")
    for name in given.keys() - {"clip_mode", "own"}:
        _check_number(name, given[name], whole=name in ("epochs", "steps"))
    return given


def _check_number(name: str, value: Any, *, whole: bool) -> None:
    """`Arguments` would say that null is allowed, which sets nothing."""
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        wanted = "a whole number >= 1" if whole else "a number > 0"
        raise UserError(f"{name}: expected {wanted}, got {value!r}")


@click.command()
@_run
@click.option("--checkpoint", "start", metavar="NAME", help="Begin with it; else the newest.")
@click.option(
    "--optimizer",
    metavar="NAME",
    shell_complete=presets_of("optimizers"),
    help="Another optimizer preset.",
)
@click.option("--set", "sets", metavar="KEY=VALUE", multiple=True, help="Any setting.")
@click.option("--detach", is_flag=True, help="Start, print the run's id, and return at once.")
@_json
@click.pass_context
def fork(
    context: click.Context,
    /,
    *,
    name: str,
    root: Path,
    start: str | None,
    optimizer: str | None,
    sets: tuple[str, ...],
    detach: bool,
    as_json: bool,
) -> None:
    """Start a new run from a checkpoint of this one.

    Epochs and steps are totals, which include those of RUN.
    """
    from engine.config import configure
    from engine.runs import fork
    from presets.userconfig import read_config
    from tui.commands import headless

    alerts = read_config().alerts
    parent = find_runs.find_ours(root, name)
    config = fork.config(parent, checkpoint_name=start, optimizer=optimizer, settings=pairs(sets))
    plan = configure.plan(config)
    child = run_directory.create(parent.path.parent, config)
    if detach:
        headless.detach(child, config, plan, as_json=as_json)
        return
    context.exit(headless.train(child, config, plan, as_json=as_json, alerts=alerts))


def _steer(run: RunDir, command: CommandName, given: dict[str, Any], *, as_json: bool) -> int:
    """Send a command, say in one line what became of it; returns the exit status."""
    arguments = convert(given, Arguments)
    if not run_directory.locked(run):
        raise UserError(f"{run.id}: no engine is at work on this run")
    reader = LogReader(run.events_path)
    reader.start_at(_end_of(run.events_path))
    command_id = control.send(run, command, arguments)
    answer = _wait(reader, command_id)
    if as_json:
        facts = {
            "run": run.id,
            "id": command_id,
            "command": command,
            "arguments": given,
            "outcome": answer.outcome if answer else None,
            "step": answer.step if answer else None,
            "reason": answer.reason if answer else "no answer yet",
        }
        click.echo(json.dumps(facts))
    else:
        click.echo(clean(_line(answer)))
    return 0 if answer and answer.outcome != "rejected" else _REJECTED


def _end_of(path: Path) -> int:
    """The last byte of a log, a newline: a reader drops what it finds of the line there."""
    try:
        return max(0, path.stat().st_size - 1)
    except OSError:
        return 0


def _wait(reader: LogReader, command_id: str) -> Command | None:
    """The engine's last word on a command, as far as it has come in time."""
    answer = None
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        for event in reader.read():
            if isinstance(event, Command) and event.id == command_id:
                answer = event
        if answer and (answer.outcome != "accepted" or answer.reason):
            return answer  # a reason to accept tells when it will be applied
        time.sleep(_POLL_SECONDS)
    return answer


def _line(answer: Command | None) -> str:
    if answer is None:
        return "no answer yet; the engine will find the command between two steps"
    what = f": {answer.reason}" if answer.reason else ""
    if answer.outcome == "rejected":
        return f"rejected{what}"
    return f"{answer.outcome} at step {answer.step}{what}"
