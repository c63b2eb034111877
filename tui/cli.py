"""The command line: `bigmodel-tui` opens the app, and each command is one function here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.runs import run_directory, safe_file_access
from presets import UserError
from tui.commands import memory_check
from tui.commands.completion import complete_runs
from tui.commands.errors import PROGRAM, OneLineGroup, say, tell_problems
from tui.commands.open_app import open_app, screen_options
from tui.commands.run_options import PlainValue, clip_options, component_options, settings

if TYPE_CHECKING:
    from engine.runs.run_directory import RunDir

F = TypeVar("F", bound=Callable[..., Any])


def _runs_dir(command: F) -> F:
    return click.option(
        "--runs-dir",
        "root",
        metavar="DIR",
        type=click.Path(path_type=Path),
        callback=_use_runs_dir,
        help="Where runs are kept; else $BIGMODEL_RUNS_DIR, else ./runs.",
    )(command)


def _use_runs_dir(context: click.Context, _: click.Parameter, given: Path | None) -> Path:
    """The option given after the command's name, else the one before it, else the default."""
    outer = context.parent.params.get("root") if context.parent else None
    return given or outer or run_directory.default_root()


_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group(cls=OneLineGroup, invoke_without_command=True)
@click.version_option(package_name=PROGRAM)
@screen_options
@click.option("--demo", is_flag=True, help="Play a recorded run; needs no torch, leaves nothing.")
@_runs_dir
@click.pass_context
def cli(
    context: click.Context, /, *, root: Path, demo: bool, ascii_only: bool, no_mouse: bool
) -> None:
    """Pick a model, a data set and an optimizer, and watch it learn.

    Without a command, opens the app.

    RUN is the id of a run, the beginning of one if it is unique, or a path. With --json, a command
    prints one JSON object a line.

    The exit status is 0; 1 if the run failed or was not saved, an engine rejected a command or
    `doctor` found a problem; 2 for bad usage, what cannot be written, and commands to a run that no
    engine works on; 130 after Ctrl-C.
    """
    if context.invoked_subcommand is not None:
        if demo:
            raise click.UsageError(f"--demo takes no command, got {context.invoked_subcommand}")
        return
    if demo:
        from tui.commands.demo import play

        context.exit(play.show(ascii_only=ascii_only, no_mouse=no_mouse))
    context.exit(open_app(root, None, ascii_only=ascii_only, no_mouse=no_mouse))


@cli.command()
@click.argument("runs", metavar="[RUN ...]", nargs=-1, shell_complete=complete_runs)
@click.option(
    "--step-column",
    metavar="NAME",
    help="The column or field with the steps, of other programs' logs; kept for their folder."
    " auto: find it again.",
)
@screen_options
@_runs_dir
@click.pass_context
def watch(
    context: click.Context,
    /,
    *,
    runs: tuple[str, ...],
    step_column: str | None,
    root: Path,
    ascii_only: bool,
    no_mouse: bool,
) -> None:
    """Open the dashboard on runs, running or finished.

    RUN may also be a race, or the path of logs that other programs write: TensorBoard, W&B,
    Lightning's CSVLogger, Hugging Face trainer states, CSV, JSON, JSON lines, and folders of these.
    Without RUN: the runs that are active now, else the newest one.
    """
    from tui.commands import find_runs

    if step_column is not None:
        _keep_step_column(runs, step_column)
    race = find_runs.find_race(root, runs[0]) if len(runs) == 1 else None
    chosen = None if race else find_runs.find_all(root, runs) or _current_runs(root)
    outer = context.parent.params if context.parent else {}
    status = open_app(
        root,
        chosen,
        race=race,
        ascii_only=ascii_only or bool(outer.get("ascii_only")),
        no_mouse=no_mouse or bool(outer.get("no_mouse")),
    )
    context.exit(status)


def _keep_step_column(names: tuple[str, ...], column: str) -> None:
    """Keep the step column for the folders of these logs. Raises UserError."""
    from tui.commands import foreign_step_columns

    if not names:
        raise UserError("--step-column: name the logs of another program that it is for")
    foreign_step_columns.keep(names, column)


def _current_runs(root: Path) -> list[RunDir]:
    found = run_directory.list_runs(root)
    if not found:
        raise UserError(f"no runs in {root} yet; `{PROGRAM}` or `{PROGRAM} run` starts one")
    # The lock, not the status: what was never begun waits for an engine that nobody will start.
    return [run for run in found if run_directory.locked(run)] or found[-1:]


@cli.command()
@component_options
@click.option("--epochs", metavar="N", type=PlainValue(), help="Passes over the training set.")
@click.option("--steps", metavar="N", type=PlainValue(), help="Optimizer steps, instead of epochs.")
@click.option(
    "--batch-size",
    metavar="N|full",
    type=PlainValue(),
    help="Samples a step; full: the whole training set.",
)
@click.option("--lr", metavar="X", type=PlainValue(), help="Learning rate.")
@clip_options
@click.option("--schedule", metavar="TEXT", help="Learning rates, such as 'cosine warmup 100'.")
@click.option("--precision", metavar="NAME", help="fp32, tf32 (on a GPU), bf16 or fp16.")
@click.option(
    "--seed", metavar="N", type=PlainValue(), help="Decides weights, data order and dropout."
)
@click.option("--device", metavar="auto|cpu|cuda:0", help="Where to train.")
@click.option("--threads", metavar="N", type=PlainValue(), help="CPU threads of the engine.")
@click.option("--target", metavar="TEXT", help="Stop early, such as 'val/accuracy >= 0.97'.")
@click.option(
    "--max-restarts", metavar="N", type=PlainValue(), help="Restarts after crashes, at most."
)
@click.option("--name", metavar="TEXT", help="A name for the run, for people.")
@click.option("--detach", is_flag=True, help="Start, print the run's id, and return at once.")
@click.option(
    "--resume",
    metavar="RUN",
    shell_complete=complete_runs,
    help="Go on with a run that ended before it was done.",
)
@click.option("--set", "sets", metavar="KEY=VALUE", multiple=True, help="Any setting; repeatable.")
@memory_check.force_option
@_json
@_runs_dir
@click.pass_context
def run(
    context: click.Context,
    /,
    *,
    root: Path,
    recipe: str,
    model: str | None,
    dataset: str | None,
    optimizer: str | None,
    as_json: bool,
    detach: bool,
    resume: str | None,
    force: bool,
    **options: Any,
) -> None:
    """Train without the app.

    Shows a progress bar on a terminal, plain lines otherwise. The run goes on when the terminal is
    closed. The first Ctrl-C stops the run; a second one leaves it running and ends with status 130.
    """
    from engine.config import configure
    from engine.race import devices
    from presets.userconfig import read_config
    from tui.commands import find_runs, headless

    if resume is None:
        tell_problems()
        config = configure.resolve(
            recipe=recipe,
            model=model,
            dataset=dataset,
            optimizer=optimizer,
            settings=settings(options),
        )
        devices.refuse_absent(config)
        plan = configure.plan(config)
        alerts = read_config().alerts
        memory_check.check([config], force=force)
        chosen = run_directory.create(root, config)
    else:
        _only_resume(context)
        chosen = _resumable(find_runs.find_ours(root, resume))
        config = chosen.config()
        plan = configure.plan(config)
        alerts = read_config().alerts
        memory_check.check([config], force=force)
    if detach:
        headless.detach(chosen, config, plan, as_json=as_json, resume=resume is not None)
        return
    resumed = resume is not None
    context.exit(
        headless.train(chosen, config, plan, as_json=as_json, resume=resumed, alerts=alerts)
    )


def _only_resume(context: click.Context) -> None:
    """Raises UserError if --resume came with an option that would change the run."""
    others = [
        param.opts[-1]
        for param in context.command.params
        if param.name not in ("resume", "detach", "as_json", "root", "force")
        and param.name is not None
        and context.get_parameter_source(param.name) is not click.core.ParameterSource.DEFAULT
    ]
    if others:
        raise UserError(f"--resume: a run goes on with its own settings; leave out {others[0]}")


def _resumable(run: RunDir) -> RunDir:
    """The run, if it can be resumed. Raises UserError if an engine has it, or if it is done."""
    from tui.commands import find_runs

    safe_file_access.check_owner(run.path)
    if why := run_directory.fault(run):
        raise UserError(f"{run.path}: cannot be resumed; {why}")
    status = find_runs.load(run).status
    if run_directory.locked(run):
        raise UserError(f"{run.path}: another engine is at work on this run")
    if status == "done":
        raise UserError(f"{run.path}: this run is done; nothing is left to go on with")
    return run


@cli.command("ls")
@click.option(
    "--columns",
    metavar="NAMES",
    default="",
    help="Words, settings and metrics, such as 'id status optimizer.lr best:val/loss'.",
)
@click.option(
    "--sort", metavar="NAME", default="", help="Sort by a column; with a minus, largest first."
)
@_json
@_runs_dir
def list_command(root: Path, as_json: bool, columns: str, sort: str) -> None:
    """List the runs, oldest first."""
    from tui.commands import list_runs

    if not run_directory.list_runs(root):
        say(f"no runs in {root} yet; `{PROGRAM}` or `{PROGRAM} run` starts one")
    rows = list_runs.rows(root, sort)
    for line in list_runs.as_json(root, rows) if as_json else list_runs.table(rows, columns):
        click.echo(line)


@cli.command()
@click.argument("name", metavar="RUN", shell_complete=complete_runs)
@_json
@_runs_dir
def show(name: str, root: Path, as_json: bool) -> None:
    """Show one run: its configuration, and its best, last and test values."""
    from tui.commands import find_runs
    from tui.runs.run import own
    from tui.runs.state import summary

    found = find_runs.find_one(root, name)
    pid = None if found.read_only else run_directory.pid(own(found))
    facts = summary.summary(find_runs.load(found), pid=pid)
    for line in [json.dumps(facts)] if as_json else summary.page(facts):
        click.echo(line)


@cli.command()
@_json
@_runs_dir
def presets(root: Path, as_json: bool) -> None:
    """List what can be picked by name.

    Models, data sets, optimizers and recipes.
    """
    from tui.commands import presets as catalog

    tell_problems()
    entries = catalog.entries()
    for line in map(json.dumps, entries) if as_json else catalog.lines(entries):
        click.echo(line)


def _add_others() -> None:
    """Add the commands that have modules of their own."""
    from tui.commands import completion, docs, find_lr, prepare, race, serve, steer, try_run
    from tui.commands.doctor import command as doctor
    from tui.commands.export import command as export

    export.register(cli, _runs_dir)
    steer.register(cli, _runs_dir)
    try_run.register(cli, _runs_dir)
    race.register(cli, _runs_dir)
    find_lr.register(cli)
    prepare.register(cli)
    completion.register(cli)
    doctor.register(cli, _runs_dir)
    serve.register(cli, _runs_dir)
    docs.register(cli)


cli.later = _add_others


def main() -> None:
    """The entry point of the console script."""
    cli.main()
