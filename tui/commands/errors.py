"""Errors on the command line: one line each, and an exit status that says whose mistake it was."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from presets import UserError, plugins
from tui.text import clean

PROGRAM = "bigmodel-tui"
TRACEBACK = "BIGMODEL_TRACEBACK"
COMPLETION = "_BIGMODEL_TUI_COMPLETE"
"""Environment variable by which a shell asks for completions."""
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


class OneLineGroup(click.Group):
    """A command group whose errors are one line; status 2 for the user's mistakes, 1 for ours."""

    later: Callable[[], None] | None = None
    """Adds commands of other modules, which are not loaded before one of them is named: whoever
    opens the app or a run waits for nothing else."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (found := super().get_command(ctx, cmd_name)) is None:
            self._complete()
            found = super().get_command(ctx, cmd_name)
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._complete()
        return super().list_commands(ctx)

    def _complete(self) -> None:
        add, self.later = self.later, None
        if add is not None:
            add()

    def main(  # type: ignore[override]  # click's overloads add modes that are not used here
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run `args`, or the command line of the process; always ends in SystemExit."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal may know fewer characters
        if os.environ.get(COMPLETION):
            self._main_shell_completion(extra, prog_name or PROGRAM, COMPLETION)
        try:
            status = self._run(list(sys.argv[1:] if args is None else args))
        except BrokenPipeError:  # `| head` has read enough
            _silence_stdout()
            status = 0
        except Exception as error:
            if os.environ.get(TRACEBACK):
                raise
            status = _explain(error)
        sys.exit(status)

    def _run(self, args: list[str]) -> int:
        # Not click's own `main`, which prints errors in several lines and calls a closed pipe one.
        try:
            with self.make_context(PROGRAM, args) as context:
                self.invoke(context)
        except click.exceptions.Exit as end:
            return end.exit_code
        except (click.Abort, KeyboardInterrupt, EOFError):
            return INTERRUPTED
        except (UserError, click.ClickException) as error:
            return _explain(error)
        finally:
            sys.stdout.flush()
            if unwritten := sys.modules.get(
                "tui.runs.cache.write_failures"
            ):  # else nothing was to be kept
                for line in unwritten.unheard():
                    say(line)
        return 0


def _explain(error: Exception) -> int:
    match error:
        case UserError():
            text, status = str(error), 2
        case click.UsageError():
            where = error.ctx.command_path if error.ctx else PROGRAM
            text, status = f"{error.format_message().rstrip('.')}; see `{where} --help`", 2
        case click.ClickException():
            text, status = error.format_message(), 2
        case _:
            what = f"unexpected {type(error).__name__}: {error}"
            text, status = f"{what} ({TRACEBACK}=1 shows the traceback)", 1
    say(text)
    return status


def say(text: str) -> None:
    """Print one line on standard error."""
    click.echo(f"{PROGRAM}: {clean(text)}", err=True)


def tell_problems() -> None:
    """Say which plug-ins of `config.yaml` cannot be used, a line each; everything else can be.

    Raises UserError if the file cannot be read at all.
    """
    plugins.check()
    for line in plugins.problems():
        say(line)


def _silence_stdout() -> None:
    """Keep the interpreter from reporting the closed pipe once more when it flushes at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
