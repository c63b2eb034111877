"""`bigmodel-tui find-lr`: suggest a learning rate without the app."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.config import configure
from presets import UserError
from tui.choices.typed_text import parse_assignments
from tui.commands import memory_check, run_options
from tui.commands.errors import tell_problems
from tui.commands.run_options import PlainValue

if TYPE_CHECKING:
    from tui.choices.lr_range_test import Search

_POLL_SECONDS = 0.1
_STEPS = "200"


def register(group: click.Group) -> None:
    """Add the command to `group`."""
    group.add_command(find_lr)


@click.command("find-lr")
@run_options.component_options
@click.option(
    "--steps",
    metavar="N",
    default=_STEPS,
    type=PlainValue(),
    help=f"Steps of the search; {_STEPS} unless given.",
)
@click.option("--set", "sets", metavar="KEY=VALUE", multiple=True, help="Any setting; repeatable.")
@memory_check.force_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def find_lr(
    context: click.Context,
    /,
    *,
    recipe: str,
    model: str | None,
    dataset: str | None,
    optimizer: str | None,
    steps: Any,
    sets: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Suggest a learning rate.

    Trains for some steps with a learning rate that rises until the loss does, draws the curve and
    suggests a learning rate. It leaves no run behind.
    """
    from tui.choices import lr_range_test

    tell_problems()
    settings = parse_assignments(sets, "--set") | {"steps": steps}
    config = configure.resolve(
        recipe=recipe, model=model, dataset=dataset, optimizer=optimizer, settings=settings
    )
    memory_check.check([config], force=force)
    search = lr_range_test.Search(config, int(steps))
    try:
        while _poll(search):
            time.sleep(_POLL_SECONDS)
        if as_json:
            click.echo(json.dumps(lr_range_test.as_json(search)))
        else:
            _print(search)
        context.exit(0 if lr_range_test.as_json(search)["lr"] is not None else 1)
    finally:
        search.close()


def _poll(search: Search) -> bool:
    try:
        return search.poll()
    except OSError as error:
        raise UserError(f"{Path(str(error.filename))}: cannot be read ({error.strerror})") from None


def _print(search: Search) -> None:
    """Print the curve, as large as the terminal, and the suggestion."""
    from tui.choices import lr_suggestion

    found = search.found()
    size = shutil.get_terminal_size()
    encoding = (sys.stdout.encoding or "").lower()
    lines = lr_suggestion.draw(
        search.lrs,
        search.losses,
        None if isinstance(found, str) else found,
        width=min(size.columns, 100) - 1,
        height=max(8, min(size.lines - 2, 16)),
        ink="#8a94a0",
        color="#56b4e9",
        accent="#2fbf8f",
        ascii_only="utf" not in encoding,
    )
    click.echo("\n".join(line.plain.rstrip() for line in lines))
    click.echo(lr_suggestion.sentence(found))
