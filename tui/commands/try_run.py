"""`bigmodel-tui try`: a trained model is used at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from engine.runs import questions, start_process
from engine.runs.questions import Answer, Failed, Question, Ready, Standing
from engine.runs.run_directory import RunDir
from presets import UserError
from tui.commands import answer_lines, find_runs
from tui.commands.completion import complete_runs
from tui.commands.open_app import open_app
from tui.text import clean, cut

if TYPE_CHECKING:
    from tui.runs.respondent import Respondent

TRY_PAGE = 6
"""The number of the page, counted from 0."""


def register(group: click.Group, runs_dir: Any) -> None:
    """Add the command to `group`."""
    group.add_command(runs_dir(try_run))


@click.command("try")
@click.argument("runs", metavar="RUN ...", nargs=-1, required=True, shell_complete=complete_runs)
@click.option(
    "--input", "given", metavar="TEXT|FILE", help="What to ask; - for lines of standard input."
)
@click.option("--checkpoint", metavar="NAME", default="", help="This one instead of the newest.")
@click.option(
    "--temperature", type=click.FloatRange(0), default=0.8, help="Of a text that goes on; 0.8."
)
@click.option(
    "--length", type=click.IntRange(1, 4096), default=200, help="Of a text that goes on, in tokens."
)
@click.option(
    "--seed", type=int, default=0, help="Of a text that goes on; another one, another text."
)
@click.option("--against", metavar="RUN", help="Let two models of a game play each other.")
@click.option("--games", type=click.IntRange(1, 100_000), default=100, help="How many; 100.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an answer.")
@click.pass_context
def try_run(
    context: click.Context,
    /,
    *,
    runs: tuple[str, ...],
    given: str | None,
    against: str | None,
    games: int,
    root: Path,
    as_json: bool,
    checkpoint: str,
    temperature: float,
    length: int,
    seed: int,
) -> None:
    """Ask a trained model: a text, a picture, a row, a recording, a game.

    The newest checkpoint of RUN answers, also while it trains; several RUNs answer side by side.
    Without --input, opens page 7 of the dashboard.

    --input is a text, the path of an image or of an audio file, the number of a recording of the
    test set, the values of a row (a=1, b=2), or the moves of a game (d4 e5 in Go, columns as in
    4 4 3 in Connect Four). With -, each line of standard input is asked.
    """
    found = [find_runs.find_ours(root, name) for name in runs]
    if against is not None:
        if len(found) != 1:
            raise UserError("--against: expected one RUN before it")
        _play(found[0], find_runs.find_ours(root, against), games, as_json=as_json)
        return
    if given is None:
        context.exit(open_app(root, found, page=TRY_PAGE))
    template = Question(id=0, temperature=temperature, length=length, seed=seed)
    failed = _ask(found, checkpoint, _inputs(given), template, as_json=as_json)
    context.exit(1 if failed else 0)


def _inputs(given: str) -> Iterator[str]:
    if given != "-":
        yield given
        return
    for line in sys.stdin:
        if line.strip():
            yield line.rstrip("\n")


def _ask(
    runs: list[RunDir],
    checkpoint: str,
    inputs: Iterator[str],
    template: Question,
    *,
    as_json: bool,
) -> bool:
    """Ask all of them everything; returns whether an answer was an error. Raises UserError."""
    from tui.runs.respondent import Respondent

    failed = False
    with ExitStack() as stack:
        asked: list[Respondent] = []
        for run in runs:
            asked.append(Respondent(run, checkpoint))
            stack.callback(asked[-1].close)
        ready = [_of_run(each, len(runs)) for each in asked]
        for number, text in enumerate(inputs, start=1):
            question = msgspec.structs.replace(template, id=number, text=text)
            if len(runs) > 1 and not as_json and number > 1:
                click.echo("")
            for respondent, kind in zip(asked, ready, strict=True):
                streams = len(runs) == 1 and not as_json and sys.stdout.isatty() and _writes(kind)
                answer = _answer(respondent, question, streams=streams)
                failed |= bool(answer.error)
                if streams and not answer.error:
                    continue
                for line in _told(answer, kind, respondent.run, text, runs, as_json=as_json):
                    click.echo(line, err=bool(answer.error) and not as_json)
    return failed


def _of_run(respondent: Respondent, number: int) -> Ready:
    try:
        return respondent.ready()
    except UserError as error:
        raise UserError(f"{respondent.run.id}: {error}" if number > 1 else str(error)) from None


def _writes(ready: Ready) -> bool:
    """Whether its answer is a text that comes token by token."""
    return ready.input == "text" and ready.task not in ("classification", "regression")


def _answer(respondent: Respondent, question: Question, *, streams: bool) -> Answer:
    """The whole answer; with `streams` its text is printed as it comes."""
    answer, printed = Answer(id=question.id), 0
    for answer in respondent.ask(question):
        if streams and not answer.error:
            new = answer.text[printed:]
            click.echo("\n".join(clean(line) for line in new.split("\n")), nl=False)
            printed = len(answer.text)
    if printed:
        click.echo("")
    return answer


def _told(
    answer: Answer, ready: Ready, run: RunDir, text: str, runs: list[RunDir], *, as_json: bool
) -> Iterator[str]:
    if as_json:
        facts = {"run": run.id, "input": text, **msgspec.to_builtins(answer)}
        yield json.dumps({key: value for key, value in facts.items() if key not in _INTERNAL})
        return
    label = f"{cut(clean(run.id), 40)}  " if len(runs) > 1 else ""
    for place, line in enumerate(answer_lines.lines(answer, ready)):
        yield (label if place == 0 else " " * len(label)) + line


_INTERNAL = ("id", "done", "type")


def _play(run: RunDir, other: RunDir, games: int, *, as_json: bool) -> None:
    """Let two models play, and print the standing. Raises UserError."""
    process = start_process.ask(
        "engine.programs.match", str(run.path.absolute()), str(other.path.absolute()), str(games)
    )
    standing: Standing | None = None
    try:
        assert process.stdout is not None
        for line in process.stdout:
            reply = questions.reply(line)
            if isinstance(reply, Failed):
                raise UserError(reply.error)
            if isinstance(reply, Standing):
                standing = reply
                if sys.stderr.isatty() and not as_json:
                    click.echo(f"\r{reply.games} of {reply.of} games", err=True, nl=False)
    finally:
        _end(process)
    if sys.stderr.isatty() and not as_json:
        click.echo("\r", err=True, nl=False)
    if standing is None:
        raise UserError("the match ended without a game; python -m engine.programs.match says why")
    if as_json:
        facts = {"run": run.id, "against": other.id, **msgspec.to_builtins(standing)}
        click.echo(json.dumps({key: value for key, value in facts.items() if key != "type"}))
        return
    click.echo(
        f"{clean(run.id)} won {standing.wins}, drew {standing.draws} and lost {standing.losses} of "
        f"{standing.games} games against {clean(other.id)}: {standing.rate:.1%} "
        f"({standing.low:.1%} to {standing.high:.1%} at 95 %)"
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, and leave no zombie."""
    if process.stdin is not None:
        process.stdin.close()
    process.terminate()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
