"""Opens the app from a command: its options, its checks, its exit status."""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import structs

from engine.runs import safe_file_access
from presets import UserError
from presets.userconfig import UserConfig, read_config
from tui.commands.errors import PROGRAM, TRACEBACK, say

if TYPE_CHECKING:
    from engine.race.directory import RaceDir
    from tui.app import BigModelApp
    from tui.runs.run import Run

F = TypeVar("F", bound=Callable[..., Any])


def screen_options(command: F) -> F:
    """Add the options of the screen, which may also stand in the environment."""
    ascii_only = click.option(
        "--ascii",
        "ascii_only",
        is_flag=True,
        envvar="BIGMODEL_ASCII",
        help="Draw in plain ASCII; also BIGMODEL_ASCII=1.",
    )
    no_mouse = click.option(
        "--no-mouse",
        is_flag=True,
        envvar="BIGMODEL_NO_MOUSE",
        help="Leave the mouse to the terminal; also BIGMODEL_NO_MOUSE=1.",
    )
    return ascii_only(no_mouse(command))


def open_app(
    root: Path,
    runs: "Sequence[Run] | None",
    *,
    race: "RaceDir | None" = None,
    page: int = 0,
    ascii_only: bool = False,
    no_mouse: bool = False,
    app_class: "type[BigModelApp] | None" = None,
    at_hangup: Callable[[], None] | None = None,
) -> int:
    """Run the app on these runs, this race, or the launch screen; returns the exit status. `page`
    is that of the dashboard, counted from 0.

    `at_hangup` is called when the terminal is gone; nothing else is cleaned up then. Raises
    UserError if there is no terminal, or if the user's configuration is wrong.
    """
    served = os.environ.get("TEXTUAL_DRIVER", "").endswith("WebDriver")
    if not served and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(
            f"the app needs a terminal on its input and output; `{PROGRAM} run` trains without one"
        )
    if runs is None:
        safe_file_access.check_root(root)
    config = _config(ascii_only=ascii_only, no_mouse=no_mouse)
    # Nothing of what start-up makes is garbage; the app switches this on again.
    gc.disable()
    from tui.app import BigModelApp
    from tui.commands import logout
    from tui.terminal import hangup

    logout.warn()
    hangup.exit_with_terminal(at_hangup)
    app = (app_class or BigModelApp)(root=root, runs=runs, race=race, config=config)
    app.first_page = page
    app.run(mouse=config.mouse)
    if app.failure is not None:
        if os.environ.get(TRACEBACK):
            raise app.failure
        from tui.commands import crash

        say(crash.explain(app.failure))
    return app.return_code or 0


def _config(*, ascii_only: bool, no_mouse: bool) -> UserConfig:
    """The user's configuration, changed by the options of the command line."""
    config = read_config()
    if ascii_only:
        config = structs.replace(config, ascii=True)
    return structs.replace(config, mouse=config.mouse and not no_mouse)
