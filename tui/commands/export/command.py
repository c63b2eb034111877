"""`bigmodel-tui export`: metrics of runs for other programs, and as pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from presets import UserError
from tui.commands import find_runs
from tui.commands.completion import complete_runs
from tui.commands.errors import say

if TYPE_CHECKING:
    from tui.plots.matplotlib_figure import Kind
    from tui.plots.plot_view import XKind
    from tui.runs.state.store import RunState

Format = Literal["csv", "jsonl", "tensorboard", "svg", "png"]
PICTURES = ("svg", "png")
# As `tui.plots.x_scale.KINDS`, which is not imported before it is needed.
X_AXES = ("step", "epoch", "samples", "relative", "wall")
_OF_PICTURES = {"metrics": "--metric", "x": "--x", "log_y": "--log-y", "smooth": "--smooth"}


def register(group: click.Group, runs_dir: Any) -> None:
    """Add the command to `group`; `runs_dir` is its option for the runs directory."""
    group.add_command(runs_dir(export))


@click.command()
@click.argument(
    "names", metavar="RUN [RUN ...]", nargs=-1, required=True, shell_complete=complete_runs
)
@click.option(
    "--format", "kind", type=click.Choice(get_args(Format)), required=True, help="What to write."
)
@click.option(
    "--output",
    metavar="FILE|DIR",
    help="Standard output unless given; for tensorboard, the folder of the event file.",
)
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="A metric to draw; repeatable. Else loss and accuracy of training and validation.",
)
@click.option("--x", type=click.Choice(X_AXES), default="step", help="The x axis of a picture.")
@click.option("--log-y", is_flag=True, help="Logarithmic y axes.")
@click.option("--smooth", metavar="'ema 0.9'", help="Smooth training curves; also 'median 15'.")
@click.pass_context
def export(
    context: click.Context,
    /,
    *,
    names: tuple[str, ...],
    root: Path,
    kind: Format,
    output: str | None,
    **style: Any,
) -> None:
    """Write every step of a run, or draw runs.

    csv and jsonl have a row for each step, with all digits; in jsonl a missing value is null, and
    NaN and infinities are texts. tensorboard is an event file in single precision, with the times
    at which the steps were taken; it needs `pip install 'bigmodel-tui[logs]'`.

    svg and png draw any metrics of one run, or of several over each other with a colour and a line
    style each; they need `pip install 'bigmodel-tui[pictures]'`. Equal runs give equal
    files. A value that is not finite is a cross on the lower edge.

    \b
    bigmodel-tui export RUN --format png --output run.png
    bigmodel-tui export RUN RUN --format svg --output two.svg \\
        --metric val/loss --metric grad_norm --x relative --log-y
    """
    target = None if output in (None, "-") else Path(str(output))
    if kind in PICTURES:
        runs = find_runs.find_all(root, names)
    else:
        _only_pictures(context, kind, names)
        runs = [find_runs.find_one(root, names[0])]
    _check_target(kind, target)
    states = [find_runs.load(run) for run in runs]
    try:
        _write(states, kind, target, style)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # no error: `| head` has read enough
    except OSError as error:
        where = target or "standard output"
        raise UserError(f"{where}: cannot be written ({error.strerror or error})") from None
    for state in states:
        of = f"{state.id}: " if len(states) > 1 else ""
        for line in _about(state):
            say(f"{of}{line}")
        if state.damaged:
            say(f"{of}{state.damaged} damaged lines of the log were skipped")


def _about(state: RunState) -> list[str]:
    """What another program's log was taken for: its step, its time, and what was left out."""
    from tui.runs.foreign.run import ForeignRun

    if not isinstance(state.run, ForeignRun):
        return []
    return [line.message for line in list(state.log)[1:]]


def _only_pictures(context: click.Context, kind: str, names: tuple[str, ...]) -> None:
    """Raises UserError for several runs, or options of pictures, with a format that is none."""
    if len(names) > 1:
        raise UserError(f"--format {kind}: one run at a time, got {len(names)}")
    for name, option in _OF_PICTURES.items():
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise UserError(f"{option} is for pictures: --format {' or '.join(PICTURES)}")


def _check_target(kind: str, target: Path | None) -> None:
    """Raises UserError if this format cannot go to standard output."""
    if target is None and kind == "tensorboard":
        raise UserError("--format tensorboard: name a folder with --output DIR")
    if target is None and kind == "png" and sys.stdout.isatty():
        raise UserError("--format png: name a file with --output FILE; this is a terminal")


def _write(
    states: list[RunState], kind: Format, target: Path | None, style: dict[str, Any]
) -> None:
    """Write or draw the runs. Raises OSError, UserError."""
    from tui.commands.export import tables as export

    match kind:
        case "svg" | "png":
            _put(target, _drawn(states, kind, **style))
        case "tensorboard" if target is not None:
            from tui.commands.export import tensorboard as export_tensorboard

            export_tensorboard.write(states[0], target)
        case _:
            write = export.write_csv if kind == "csv" else export.write_jsonl
            if target is None:
                write(states[0], sys.stdout)
                return
            with target.open("w", encoding="utf-8", newline="") as file:
                write(states[0], file)


def _drawn(
    states: list[RunState],
    kind: Kind,
    *,
    metrics: tuple[str, ...],
    x: XKind,
    log_y: bool,
    smooth: str | None,
) -> bytes:
    from tui.commands.export import pictures as export_pictures

    made = None if smooth is None else export_pictures.smoother(smooth)
    style = export_pictures.Style(x=x, log_y=log_y, smoother=made)
    return export_pictures.picture(states, metrics, style, kind)


def _put(target: Path | None, data: bytes) -> None:
    if target is None:
        sys.stdout.buffer.write(data)
    else:
        target.write_bytes(data)
