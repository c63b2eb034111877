"""The commands that steer a running engine, and the one that forks a run."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec.structs import replace

from engine.runs import control, run_directory
from engine.runs.control import Arguments, CommandName
from engine.runs.events import KILLED, CommandAnswered, RunEnded
from engine.runs.log_reader import LogReader
from engine.runs.run_directory import RunDir
from presets import UserError
from presets.convert import convert
from tui.choices import typed_commands
from tui.choices.typed_text import parse_assignments
from tui.commands import find_runs, memory_check
from tui.commands.completion import complete_runs, presets_of
from tui.commands.errors import PROGRAM, say
from tui.commands.run_options import PlainValue, clip_options, clip_settings, exclusive
from tui.text import clean

if TYPE_CHECKING:
    from engine.runs.fork import SettingsAt

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
    context.exit(_steer(find_runs.find_steered(root, name), "pause", as_json=as_json))


@click.command()
@_run
@_json
@click.pass_context
def resume(context: click.Context, name: str, root: Path, as_json: bool) -> None:
    """Let a paused run go on."""
    context.exit(_steer(find_runs.find_steered(root, name), "resume", as_json=as_json))


@click.command()
@_run
@click.option(
    "--after",
    type=click.Choice(["step", "epoch"]),
    default="step",
    help="What to finish first; a step unless given.",
)
@click.option("--now", is_flag=True, help="Kill the engine if it has not stopped within a second.")
@_json
@click.pass_context
def stop(
    context: click.Context, /, *, name: str, root: Path, after: str, now: bool, as_json: bool
) -> None:
    """Stop a run, with a checkpoint.

    A second stop does what --now does: whatever the engine is at, it is gone within two seconds. No
    checkpoint is written then; the run can be resumed from the newest one.
    """
    if now and after != "step":
        raise UserError(f"--now waits for nothing; leave out --after {after}")
    found = find_runs.find_steered(root, name)
    arguments = convert({"after": after, "now": now}, Arguments)
    context.exit(_steer(found, "stop", arguments, as_json=as_json))


@click.command()
@_run
@_json
@click.pass_context
def checkpoint(context: click.Context, name: str, root: Path, as_json: bool) -> None:
    """Write a checkpoint of a run now."""
    context.exit(_steer(find_runs.find_ours(root, name), "checkpoint", as_json=as_json))


@click.command()
@_run
@_json
@click.pass_context
def profile(context: click.Context, name: str, root: Path, as_json: bool) -> None:
    """Profile the next 20 steps of a run.

    The dashboard shows the result; the trace goes to the run's directory.
    """
    context.exit(_steer(find_runs.find_ours(root, name), "profile", as_json=as_json))


@click.command("set")
@_run
@click.option("--lr", metavar="X", type=PlainValue(), help="Learning rate.")
@click.option(
    "--lr-factor", metavar="X", type=PlainValue(), help="Multiply the learning rate by X."
)
@clip_options
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
    """Change the learning rate, the clipping or the length of a run while it trains."""
    from tui.choices import rerun

    found, arguments = find_runs.find_ours(root, name), _set_arguments(options)
    longer = (arguments.steps or arguments.epochs) and run_directory.locked(found)
    if longer and (line := rerun.jump_of(find_runs.load(found), arguments)):
        say(line)
    context.exit(_steer(found, "set", arguments, as_json=as_json))


def _set_arguments(options: dict[str, Any]) -> Arguments:
    """The options that were given, as arguments of `set`. Raises UserError."""
    exclusive(options, "lr", "lr_factor")
    exclusive(options, "epochs", "steps")
    names = ("lr", "lr_factor", "epochs", "steps")
    given = {name: options[name] for name in names if options[name] is not None}
    given |= clip_settings(options)
    own: dict[str, Any] = {}
    for text in options["own"]:
        own |= typed_commands.own(text).own
    if not given and not own:
        raise UserError(f"nothing to set; `{PROGRAM} set --help` lists what can be")
    return replace(typed_commands.arguments(given), own=own)


@click.command()
@_run
@click.option(
    "--checkpoint", "start", metavar="NAME", help="The checkpoint to begin with; else the newest."
)
@click.option(
    "--optimizer",
    metavar="NAME",
    shell_complete=presets_of("optimizers"),
    help="Another optimizer preset.",
)
@click.option("--set", "sets", metavar="KEY=VALUE", multiple=True, help="Any setting; repeatable.")
@click.option("--with-changes", is_flag=True, help="Take what was changed after the checkpoint.")
@click.option("--detach", is_flag=True, help="Start, print the run's id, and return at once.")
@memory_check.force_option
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
    with_changes: bool,
    detach: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Start a new run from a checkpoint of this one, with its settings at that checkpoint.

    What was changed afterwards is named, and taken with --with-changes. Epochs and steps are
    totals, which include those of RUN.
    """
    from engine.config import configure, rate_jump
    from engine.runs import fork
    from presets.userconfig import read_config
    from tui.commands import headless

    alerts = read_config().alerts
    parent = find_runs.find_ours(root, name)
    settings, at = parse_assignments(sets, "--set"), fork.settings_at(parent, start)
    config = fork.config(at, optimizer=optimizer, settings=settings, with_changes=with_changes)
    say(_settings_taken(at, with_changes=with_changes))
    if jump := rate_jump.jump(at.config, config, at.checkpoint.step):
        say(str(jump))
    plan = configure.plan(config)
    memory_check.check([config], force=force)
    child = run_directory.create(parent.path.parent, config)
    if detach:
        headless.detach(child, config, plan, as_json=as_json)
        return
    context.exit(headless.train(child, config, plan, as_json=as_json, alerts=alerts))


def _settings_taken(at: SettingsAt, *, with_changes: bool) -> str:
    """Which settings a fork takes over, in one line."""
    begun = f"settings as at {at.checkpoint.name}"
    changes = ", ".join(map(str, at.changes))
    if not changes:
        return f"{begun}; nothing was changed after it"
    if with_changes:
        return f"{begun}, with what was changed after it: {changes}"
    return f"{begun}; changed after it and not taken: {changes} (--with-changes takes it)"


def _steer(
    run: RunDir, command: CommandName, arguments: Arguments | None = None, *, as_json: bool
) -> int:
    """Send a command and print its outcome in one line; returns the exit status."""
    if not run_directory.locked(run):
        raise UserError(f"{run.id}: no engine is at work on this run")
    reader = LogReader(run.events_path)
    reader.start_at(_end_of(run.events_path))
    command_id = control.send(run, command, arguments)
    answer = _wait(run, reader, command_id)
    if as_json:
        facts = {
            "run": run.id,
            "id": command_id,
            "command": command,
            "arguments": msgspec.to_builtins(arguments or Arguments()),
            "outcome": answer.outcome if answer else None,
            "step": answer.step if answer else None,
            "reason": answer.reason if answer else "no answer yet",
        }
        click.echo(json.dumps(facts))
    else:
        click.echo(clean(_line(answer)))
    return 0 if answer and answer.outcome != "rejected" else _REJECTED


def _end_of(path: Path) -> int:
    """The place of a log's last newline: a reader that starts there sees new lines only."""
    try:
        return max(0, path.stat().st_size - 1)
    except OSError:
        return 0


def _wait(run: RunDir, reader: LogReader, command_id: str) -> CommandAnswered | None:
    """The last answer to a command within `ANSWER_SECONDS`; None if there was none. Where the
    engine was killed at once, its parent says so in the log."""
    answer = None
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        for event in reader.read():
            if isinstance(event, CommandAnswered) and event.id == command_id:
                answer = event
            if isinstance(event, RunEnded) and event.reason.startswith(KILLED):
                return CommandAnswered(
                    id=command_id,
                    command="stop",
                    outcome="applied",
                    step=event.step,
                    reason=event.reason,
                )
        if answer and (answer.outcome != "accepted" or answer.reason):
            return answer  # a reason to accept tells when it will be applied
        time.sleep(_POLL_SECONDS)
    return answer


def _line(answer: CommandAnswered | None) -> str:
    if answer is None:
        return "no answer yet; the engine will find the command between two steps"
    what = f": {answer.reason}" if answer.reason else ""
    if answer.outcome == "rejected":
        return f"rejected{what}"
    return f"{answer.outcome} at step {answer.step}{what}"
