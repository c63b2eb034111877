"""`bigmodel-tui prepare`: a text of any size becomes a folder of tokens, which data set `tokens`
reads."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import msgspec

from engine.runs import start_process
from presets import UserError
from tui.commands.errors import PROGRAM
from tui.text import clean, duration, file_size

_LINE_SHARE = 0.1  # of the work, between two lines where there is no terminal
_WAIT_SECONDS = 20.0
_LEAST_SECONDS = 2.0  # before the time that is left is told


def register(group: click.Group) -> None:
    """Add the command to `group`."""
    group.add_command(prepare)


@click.command()
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--tokenizer",
    metavar="NAME|FILE",
    default="bpe",
    help="characters, bytes, bpe (learned from the text), or the path of a tokenizer.json;"
    " bpe unless given.",
)
@click.option(
    "--vocabulary",
    metavar="N",
    type=click.IntRange(1, 2**24),
    default=8192,
    help="Symbols that bpe learns; 8192 unless given.",
)
@click.option(
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Where the tokens go; PATH-tokens unless given.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end.")
def prepare(
    path: Path, tokenizer: str, vocabulary: int, output: Path | None, as_json: bool
) -> None:
    """Tokenise a UTF-8 text of any size, once.

    What comes out is a folder for the data set `tokens`, which is read from the disk while a model
    trains: neither step needs the memory that the text would take. Blocks of the text that are
    spread over it are held out, each 5 % or, of a large text, 16 MiB. Ctrl-C leaves nothing behind.
    """
    folder = output or path.with_name(f"{path.stem or path.name}-tokens")
    request = {
        "path": str(path.absolute()),
        "output": str(folder.absolute()),
        "tokenizer": _from_anywhere(tokenizer),
        "vocabulary": vocabulary,
    }
    told = _done(request, None if as_json else _Progress())
    if as_json:
        fields = ("tokens", "symbols")
        click.echo(json.dumps({"path": request["output"], **{key: told[key] for key in fields}}))
        return
    click.echo(f"{clean(str(folder))}: {clean(told['facts'])}")
    command = f"{PROGRAM} run --recipe bible-gpt --dataset tokens --set"
    click.echo(f"train with: {command} {clean(shlex.quote(f'dataset.path={folder}'))}")


def _from_anywhere(tokenizer: str) -> str:
    """The tokenizer with an absolute path, if it is a file."""
    return str(Path(tokenizer).expanduser().absolute()) if "." in tokenizer else tokenizer


def _done(request: dict[str, Any], progress: _Progress | None) -> dict[str, Any]:
    """Have a process do it; returns what it told at last. Raises UserError if there is no
    folder."""
    process = start_process.ask("engine.programs.prepare")
    assert process.stdin is not None
    assert process.stdout is not None
    last: dict[str, Any] = {}
    try:
        process.stdin.write(msgspec.json.encode(request))
        process.stdin.close()
        for line in process.stdout:
            if not line.endswith(b"\n"):
                break  # it was killed in the middle of it
            last = msgspec.json.decode(line)
            if progress and "what" in last:
                progress.tell(last["what"], last["done"], last["whole"])
        process.wait()
    finally:
        _end(process)
        if progress:
            progress.close()
    if "error" in last:
        raise UserError(last["error"])
    if "facts" not in last:
        how = f"status {process.returncode}"
        raise UserError(
            f"the text was not prepared ({how}; python -m engine.programs.prepare says why)"
        )
    return last


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have it clean up, if it is still at work."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Progress:
    """How far the work is: a bar on a terminal, else a line now and then."""

    def __init__(self) -> None:
        self._what = ""
        self._begun = 0.0
        self._next = 0.0
        self._bar = sys.stdout.isatty()
        self._drawn = False

    def tell(self, what: str, done: int, whole: int) -> None:
        """`done` of `whole` bytes of the text."""
        now, share = time.monotonic(), done / max(1, whole)
        if what != self._what:
            self.close()
            self._what, self._begun, self._next = what, now, 0.0
        spent = now - self._begun
        left = ""
        if share < 1 and spent > _LEAST_SECONDS:
            left = f", {duration(spent * (1 - share) / share)} left" if share else ""
        words = f"{what}: {share:.0%} of {file_size(whole)}{left}"
        if self._bar:
            self._draw(words, share)
        elif share >= self._next or share == 1:
            self._next = share + _LINE_SHARE
            click.echo(words)

    def _draw(self, words: str, share: float) -> None:
        full, empty = "█░" if "utf" in (sys.stdout.encoding or "").lower() else "#."
        width = shutil.get_terminal_size().columns - 1  # the last column would wrap the line
        cells = max(0, min(30, width - len(words) - 2))
        filled = round(cells * share)
        bar = f"{full * filled}{empty * (cells - filled)}  " if cells else ""
        click.echo("\r" + f"{bar}{words}"[:width].ljust(width), nl=False)
        self._drawn = True

    def close(self) -> None:
        """End the line of the bar."""
        if self._drawn:
            click.echo()
        self._drawn = False
