"""`bigmodel-tui race`, `races` and `race-report`: races without the app."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.race import directory, spec
from engine.race.directory import RaceDir
from engine.race.spec import RaceSpec
from engine.runs import control, start_process
from presets import UserError
from tui.commands import memory_check
from tui.commands.errors import INTERRUPTED, say, tell_problems
from tui.text import clean, counted, duration

if TYPE_CHECKING:
    from engine.race.results import RaceResults

POLL_SECONDS = 0.3
_TIERS = (
    "quick: presets as they are, untuned; fair: as many tuning trials for each lane, then fresh "
    "seeds; rigorous: a grid of learning rates, then 10 seeds."
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def register(group: click.Group, runs_dir: Any) -> None:
    """Add the commands to `group`; `runs_dir` is its option for the runs directory."""
    for command in (race, races, race_report):
        group.add_command(runs_dir(command))


@click.command()
@click.option("--recipe", metavar="NAME", default="quickstart", help="Begin with this recipe.")
@click.option("--model", "models", metavar="NAME[,NAME]", default="", help="Model presets.")
@click.option("--dataset", metavar="NAME", help="A data set preset.")
@click.option("--optimizers", metavar="A,B,C", default="", help="Optimizer presets: the lanes.")
@click.option(
    "--vary",
    "varied",
    metavar="KEY=V,V",
    multiple=True,
    help="Lanes that differ in any setting; repeatable.",
)
@click.option(
    "--tier", type=click.Choice(["quick", "fair", "rigorous"]), default="quick", help=_TIERS
)
@click.option("--seeds", metavar="N", type=int, help="Runs of each lane; 3, 5 or 10 by tier.")
@click.option("--trials", metavar="N", type=int, help="Tuning runs of each lane; 8 or 7 by tier.")
@click.option(
    "--target", metavar="TEXT", help="What to reach: val/accuracy=0.97, or 'val/loss <= 0.1'."
)
@click.option("--budget", metavar="STEPS", type=int, help="Steps of each run; else the recipe's.")
@click.option(
    "--reference", metavar="LANE", default="", help="The lane that speed-ups are relative to."
)
@click.option("--schedule", metavar="TEXT", help="Learning rates, such as 'cosine warmup 100'.")
@click.option("--clip", metavar="'MODE X'", help="Clipping, such as 'norm 1', or none.")
@click.option("--workers", metavar="N", type=int, default=1, help="Runs at a time on the CPU.")
@click.option(
    "--set",
    "sets",
    metavar="KEY=VALUE",
    multiple=True,
    help="Any setting; repeatable.",
)
@click.option("--resume", metavar="RACE", help="Go on with a race, or add to it.")
@click.option("--detach", is_flag=True, help="Start, print the race's id, and return at once.")
@memory_check.force_option
@_json
@click.pass_context
def race(
    context: click.Context,
    /,
    *,
    root: Path,
    resume: str | None,
    detach: bool,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Compare optimizers, or anything else, fairly.

    Each lane begins with the same weights and sees the same batches, seed by seed; the hashes that
    prove it are part of the report. Lanes are optimizers, or differ in any setting (--vary). They
    are judged by medians with their spread.

    On the CPU, runs go one after another, since their times are compared; with --workers N they go
    side by side, and times are not. Every GPU gets a worker.

    The race goes on when the terminal is closed. --resume goes on with one that crashed or was
    stopped, without repeating what was finished, and takes more --seeds or --optimizers.
    """
    if resume is not None:
        chosen = directory.find(root, resume)
        made = _extended(context, chosen, options)
        _check_memory(made, force=force)
        chosen.write(made)
    else:
        tell_problems()
        from tui.choices import race_choice

        made = race_choice.build(options)
        _check_memory(made, force=force)
        chosen = directory.create(root, made)
    process = start_process.start_process("engine.race", [chosen.process])
    if detach:
        click.echo(json.dumps(_facts(chosen, made)) if as_json else chosen.id)
        return
    if as_json:
        click.echo(json.dumps({"event": "started", **_facts(chosen, made)}))
    else:
        runs = f"{counted(made.num_runs, 'run')} of {counted(made.budget, 'step')}"
        lanes = counted(len(made.lanes), "lane")
        click.echo(f"{clean(chosen.id)}: {lanes}, {runs}, tier {made.tier}")
    context.exit(_follow(chosen, process, as_json=as_json))


def _check_memory(made: RaceSpec, *, force: bool) -> None:
    """Raises UserError if a run of one of the lanes does not fit into memory, unless `force`."""
    memory_check.check([lane.run_config() for lane in made.lanes], force=force)


def _extended(context: click.Context, chosen: RaceDir, options: Mapping[str, Any]) -> RaceSpec:
    """The race with more seeds and lanes. Raises UserError if anything else of it is to change."""
    fixed = [
        name
        for name in ("tier", "trials", "target", "budget", "reference", "workers")
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
    ]
    if fixed:
        raise UserError(f"--resume: a race keeps its protocol; leave out --{fixed[0]}")
    from tui.choices import race_choice

    added = race_choice.lanes(options) if options["optimizers"] or options["varied"] else {}
    made = chosen.spec()
    if added or options["seeds"] is not None:
        made = spec.extended(made, added, options["seeds"])
    return made


def _facts(chosen: RaceDir, made: RaceSpec) -> dict[str, Any]:
    return {
        "id": chosen.id,
        "path": str(chosen.path.absolute()),
        "tier": made.tier,
        "lanes": [lane.label for lane in made.lanes],
        "seeds": made.seeds,
        "runs": made.num_runs,
        "steps": made.budget,
    }


def _follow(chosen: RaceDir, process: subprocess.Popen[bytes], *, as_json: bool) -> int:
    """Report a race until it is over; returns the exit status."""
    from engine.race.results import RaceReader  # brings NumPy, which others need not wait for

    reader, told = RaceReader(chosen), set[str]()
    interrupts: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    try:
        while True:
            gone = process.poll() is not None
            results = reader.read(chosen.spec())
            _tell(results, told, as_json=as_json)
            if gone:
                break
            if len(interrupts) > 1:
                say(f"the race goes on; `bigmodel-tui watch {chosen.id}` returns to it")
                return INTERRUPTED
            if interrupts and "stop" not in told:
                told.add("stop")
                say("stopping after the current step; Ctrl-C again leaves the race running")
                control.send(chosen.process, "stop")
            time.sleep(POLL_SECONDS)
    finally:
        signal.signal(signal.SIGINT, before)
    return _end(chosen, results, process.returncode, as_json=as_json)


def _tell(results: RaceResults, told: set[str], *, as_json: bool) -> None:
    for run in (*results.trials, *results.finals):
        name = run.planned.name
        if not run.ended or name in told:
            continue
        told.add(name)
        lane = results.spec.lanes[run.planned.lane].label
        best = run.best(results.spec.metric, larger=results.larger)
        if as_json:
            facts: dict[str, Any] = {
                "event": "run",
                "name": name,
                "lane": lane,
                "stage": run.planned.stage,
            }
            facts |= {"number": run.planned.number, "status": run.status, "reason": run.reason}
            click.echo(json.dumps(facts | {"best": None if best != best else best}))  # noqa: PLR0124
        else:
            what = "seed" if run.planned.stage == "final" else "trial"
            trouble = f", {clean(run.reason)}" if run.status != "done" else ""
            trouble += f", not saved: {clean(run.unsaved)}" if run.unsaved else ""
            took = duration(run.seconds[-1] if run.seconds else None)
            said = f"best {results.spec.metric} {best:.4g}, {took} of training{trouble}"
            click.echo(f"{clean(lane)}, {what} {run.planned.number}: {said}")


def _end(chosen: RaceDir, results: RaceResults, status: int, *, as_json: bool) -> int:
    from engine.race import standings
    from tui.races import standings_table

    table = standings.standings(results)
    head, cells = standings_table.of(results, table)
    if as_json:
        facts = {"event": "ended", "id": chosen.id, "over": results.ended}
        rows = [dict(zip(head[1:], row[1:], strict=True)) for row in cells]
        click.echo(json.dumps(facts | {"verdict": table.verdict, "standings": rows}))
    elif results.finals:
        for line in standings_table.text(head, cells):
            click.echo(line)
        for row in table.rows:
            if row.trouble:
                click.echo(f"{clean(row.label)}: {clean(row.trouble)}")
        click.echo(clean(table.verdict))
        click.echo(clean(str(chosen.path)))
    if status:
        from tui.commands.headless import last_line

        unsaved = results.unsaved
        how = (
            f"race not saved: {unsaved}" if unsaved else f"race failed: {last_line(chosen.process)}"
        )
        say(how)
    return 1 if status else 0


@click.command()
@_json
def races(root: Path, as_json: bool) -> None:
    """List the races, oldest first."""
    from tui.races.news import Watcher

    found = directory.list_races(root)
    if not found:
        click.echo(f"no races in {clean(str(directory.races_root(root)))}", err=True)
    for each in found:
        try:
            news = Watcher(each).read()
        except UserError as error:
            say(str(error))
            continue
        verdict = news.reason or news.standings.verdict
        if as_json:
            facts = _facts(each, news.spec) | {"status": news.status, "verdict": verdict}
            click.echo(json.dumps(facts))
        else:
            labels = ", ".join(lane.label for lane in news.spec.lanes)
            click.echo(f"{each.id}  {news.status + ' ':<8}{clean(labels, 60)}: {clean(verdict)}")


@click.command("race-report")
@click.argument("name", metavar="RACE")
@click.option(
    "--output", metavar="DIR", type=click.Path(path_type=Path), help="RACE/report unless given."
)
@_json
def race_report(name: str, root: Path, output: Path | None, as_json: bool) -> None:
    """Write a race's report: Markdown, CSV, a LaTeX table and pictures."""
    from engine.race.results import RaceReader
    from tui.races import report

    chosen = directory.find(root, name)
    results = RaceReader(chosen).read(chosen.spec())
    written = report.write(chosen, results, output or chosen.path / "report")
    for path in written:
        click.echo(json.dumps({"path": str(path)}) if as_json else clean(str(path)))
