"""`bigmodel-tui serve`: the app in a browser on this machine."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import shlex
import socket
import sys
from pathlib import Path
from typing import Any

import click

from engine.runs import safe_file_access
from presets import UserError
from tui.commands import find_runs
from tui.commands.completion import complete_runs
from tui.commands.errors import PROGRAM, say

_APP = "from tui.cli import main; main()"
_WARNING = (
    "whoever knows this address can do in it what you can: keep it to yourself. The connection is "
    "not encrypted and stays on this machine; from another one: ssh -L {port}:{host}:{port} ..."
)


def register(group: click.Group, runs_dir: Any) -> None:
    """Add the command to `group`; `runs_dir` is its option for the runs directory."""
    group.add_command(runs_dir(serve))


@click.command()
@click.argument("runs", metavar="[RUN ...]", nargs=-1, shell_complete=complete_runs)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    help="The port, 8000 unless given; 0 takes a free one.",
)
@click.option("--host", default="127.0.0.1", help="A loopback address, 127.0.0.1 unless given.")
def serve(runs: tuple[str, ...], root: Path, port: int, host: str) -> None:
    """Show the app in a browser, on this machine only.

    With RUN, the dashboard on these runs, as `watch` does. Prints an address with a secret token;
    without the token, or for a page of another site, nothing is shown. At most 8 windows are open
    at once, of 500 x 200 cells at most. From another machine: `ssh -L 8000:127.0.0.1:8000 BOX`, and
    open the printed address. Needs `pip install 'bigmodel-tui[serve]'`.
    """
    address = _loopback(host)
    if importlib.util.find_spec("textual_serve") is None:
        raise UserError(f"serve needs an optional package; pip install '{PROGRAM}[serve]'")
    safe_file_access.check_root(root)
    find_runs.find_all(root, runs)  # what is not there is said here, not in the browser
    arguments = ["--runs-dir", str(root.absolute())]
    if runs:
        arguments += ["watch", *runs]
    from tui.commands.token_server import Server

    with _listen(address, port) as listener:
        taken = listener.getsockname()[1]
        shown = f"[{address}]" if ":" in address else address
        server = Server(shlex.join([sys.executable, "-P", "-c", _APP, *arguments]), host=shown)
        click.echo(f"http://{shown}:{taken}/?token={server.token}")
        say(_WARNING.format(port=taken, host=shown))
        _prepare_environment()
        server.run(listener)


def _loopback(host: str) -> str:
    """The address, if nobody else can reach it; UserError otherwise."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise UserError(
            f"--host: expected a loopback address such as 127.0.0.1, got {host!r}; "
            "others reach it through ssh -L, which asks who they are"
        )
    return str(address)


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()  # whoever reads the address may come before the server is ready
    except OSError as error:
        listener.close()
        raise UserError(f"--port {port}: cannot be had ({error.strerror})") from None
    return listener


def _prepare_environment() -> None:
    """Tell the app that all characters and colours are shown: a browser can do that."""
    from tui.terminal.plain_terminal import is_plain

    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    if is_plain(os.environ):
        os.environ["LC_ALL"] = "C.UTF-8"
