"""`bigmodel-tui completion`: completes command lines in a shell; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from engine.runs import run_directory
from presets import UserError
from tui.commands.errors import COMPLETION, PROGRAM

if TYPE_CHECKING:
    from presets import Kind

_MAX_RUNS = 200
"""How many run ids are offered, the newest; a shell shows no more at once."""
_SHELLS = ("bash", "zsh", "fish")

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def complete_runs(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The ids of runs, newest first; a folder where what was typed begins a path."""
    if "/" in incomplete or incomplete in (".", ".."):
        return [CompletionItem(incomplete, type="dir")]
    root = context.params.get("root") or run_directory.default_root()
    try:
        runs = run_directory.list_runs(root)
    except UserError:  # the command itself will say so
        return []
    names = [run.id for run in reversed(runs) if run.id.startswith(incomplete)]
    taken = context.params.get(parameter.name or "")
    given = taken if isinstance(taken, tuple) else ()
    return [CompletionItem(name) for name in names[:_MAX_RUNS] if name not in given]


def presets_of(kind: Kind) -> Complete:
    """Completes the names of presets of this kind."""

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        import presets

        return [CompletionItem(name) for name in presets.names(kind) if name.startswith(incomplete)]

    return complete


def register(group: click.Group) -> None:
    """Add the command to `group`."""
    group.add_command(completion)


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    It completes commands, options, presets and runs.

    \b
    bash: echo 'eval "$(bigmodel-tui completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(bigmodel-tui completion zsh)"' >> ~/.zshrc
    fish: bigmodel-tui completion fish > ~/.config/fish/completions/bigmodel-tui.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise UserError(f"completion: expected one of {', '.join(_SHELLS)}, got {shell!r}")
    script = kind(context.find_root().command, {}, PROGRAM, COMPLETION)
    # Not `source()`, which starts bash to ask for its version.
    click.echo(script.source_template % script.source_vars())
