"""Write the report of a race: Markdown with table, protocol, hashes and pictures; CSV; LaTeX."""

import csv
import io
import math
import platform
from collections.abc import Iterator
from pathlib import Path

from engine.race import same_start, standings
from engine.race.devices import times_compare
from engine.race.directory import RaceDir
from engine.race.results import RaceResults, RunResult
from engine.race.spec import differences
from engine.runs.events import RunStarted
from engine.runs.log_reader import LogReader
from engine.runs.safe_file_access import replace_file
from presets import UserError
from tui.races import pictures as race_pictures
from tui.races import standings_table
from tui.text import clean, count, duration

_TIERS = {
    "quick": "quick: each lane as its preset has it, untuned",
    "fair": "fair: the same number of tuning trials for each lane, rates drawn log-uniformly, the "
    "best on validation data, then fresh seeds",
    "rigorous": "rigorous: a grid of learning rates for each lane, the best on validation data, "
    "then fresh seeds",
}


def write(race: RaceDir, results: RaceResults, folder: Path) -> list[Path]:
    """Write all files of the report into `folder`; returns them. Raises UserError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pictures, why_none = race_pictures.write(results, folder)
        table = standings.standings(results)
        head, rows = standings_table.of(results, table)
        texts = {
            "report.md": "\n".join(_markdown(race, results, pictures, why_none)) + "\n",
            "standings.tex": "\n".join(standings_table.latex(head, rows)) + "\n",
            "runs.csv": _csv(_run_rows(results)),
            "evaluations.csv": _csv(_evaluation_rows(results)),
        }
        for name, text in texts.items():
            replace_file(folder / name, text.encode())
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from None
    return [*(folder / name for name in texts), *pictures]


def _markdown(
    race: RaceDir, results: RaceResults, pictures: list[Path], why_none: str
) -> Iterator[str]:
    spec, table = results.spec, standings.standings(results)
    yield f"# Race {clean(race.id)}"
    yield ""
    yield clean(table.verdict[:1].upper() + table.verdict[1:]) + "."
    yield ""
    yield from standings_table.markdown(*standings_table.of(results, table))
    yield ""
    yield (
        "Medians over seeds with their interquartile range; DNF: did not finish, counted as "
        "infinity. Steps, samples and training seconds are told apart; seconds are those of steps, "
        "without evaluations and checkpoints."
    )
    if not times_compare(spec):
        yield ""
        yield "Runs went side by side, so their times are not compared."
    for row in table.rows:
        if row.trouble:
            yield ""
            yield f"- {clean(row.label)}: {clean(row.trouble)}"
    yield ""
    if why_none:
        yield f"No pictures: {why_none}"
    for path in pictures:
        yield f"![{path.stem}]({path.name})"
    yield ""
    yield from _protocol(results)
    yield ""
    yield from _origin(race, results)


def _protocol(results: RaceResults) -> Iterator[str]:
    spec = results.spec
    configs = [lane.run_config() for lane in spec.lanes]
    first = configs[0]
    yield "## Protocol"
    yield ""
    yield f"- Tier: {_TIERS[spec.tier]}"
    yield f"- Lanes: {clean(', '.join(lane.label for lane in spec.lanes))}"
    yield f"- They differ in: {clean(', '.join(differences(configs)) or 'nothing')}"
    yield f"- Model {clean(first.model.name)}, data set {clean(first.dataset.name)}"
    yield (
        f"- Budget: {count(spec.budget)} steps of {first.batch_size} samples, which is also the "
        f"horizon of the schedule ({first.schedule.type})"
    )
    yield f"- Evaluations every {first.evaluate_every} steps, the same for all lanes, off the clock"
    judged = f"steps to {spec.target}" if spec.target else f"best {spec.metric}"
    if spec.target is None and (goal := results.goal):
        judged += (
            f"; speed-ups: steps to {goal.metric} {goal.op} {goal.value:.4g}, which most runs of "
            "the reference reach"
        )
    yield f"- Judged by: {clean(judged)}; held means {spec.hold} evaluations in a row"
    yield f"- Seeds: 0 to {spec.seeds - 1}" + ("" if spec.seeds > 1 else ": no intervals")
    if spec.num_trials:
        steps = sum(
            len(run.clipped) or (run.steps[-1] if run.steps else 0) for run in results.trials
        )
        seconds = sum(run.seconds[-1] for run in results.trials if run.seconds)
        yield (
            f"- Tuning cost: {len(results.trials)} runs, {count(steps)} steps, "
            f"{duration(seconds)} of training"
        )
    yield "- Selection on validation data; the test set was used once a run, at its end"
    yield "- Intervals of speed-ups: 95 %, 2,000 bootstrap resamples of the seeds"


def _origin(race: RaceDir, results: RaceResults) -> Iterator[str]:
    yield "## Starts, versions, hardware"
    yield ""
    unfair = same_start.mismatches(results)
    yield (
        f"Not fair: {unfair[0]}"
        if unfair
        else "For each seed all lanes began with equal weights and saw equal batches:"
    )
    yield ""
    yield "| seed | weights | data | batches |"
    yield "| ---: | --- | --- | --- |"
    for seed, weights, data, batches in same_start.hashes(results):
        yield f"| {seed} | {weights[:16]} | {data[:16]} | {batches[:16]} |"
    yield ""
    if started := _started(race, results):
        versions = ", ".join(f"{name} {version}" for name, version in started.versions.items())
        yield f"- Device: {clean(started.device)}; {clean(versions)}"
    yield f"- Machine: {platform.machine()}, {platform.system()} {platform.release()}"


def _started(race: RaceDir, results: RaceResults) -> RunStarted | None:
    for run in results.of(0)[:1]:
        events = LogReader(race.run(run.planned.name).events_path).read()
        return next((event for event in events if isinstance(event, RunStarted)), None)
    return None


def _csv(rows: Iterator[list[object]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def _run_rows(results: RaceResults) -> Iterator[list[object]]:
    """A row for each run; cells are empty where unknown, `inf` for a target that was missed."""
    spec = results.spec
    names = ["steps_to_target", "seconds_to_target"] if results.goal else []
    yield [
        "lane",
        "stage",
        "number",
        "lr",
        "status",
        "reason",
        *names,
        "best",
        "final",
        "test",
        "training_seconds",
        "clipped_share",
        "diverged_at",
    ]
    for run in (*results.trials, *results.finals):
        lane = run.planned.lane
        number = run.planned.number
        stage = run.planned.stage
        reached: list[object] = []
        if results.goal:
            reached = [
                _cell(results.to_target(lane, unit, stage=stage).get(number, math.nan))
                for unit in ("steps", "seconds")
            ]
        yield [
            clean(spec.lanes[lane].label),
            stage,
            number,
            "" if run.planned.lr is None else run.planned.lr,
            run.status,
            clean(run.reason),
            *reached,
            _cell(run.best(spec.metric, larger=results.larger)),
            _cell(run.final(spec.metric)),
            _cell(run.test.get(spec.metric.replace("val/", "test/", 1), math.nan)),
            run.seconds[-1] if run.seconds else "",
            _cell(run.clipped_share),
            "" if run.diverged_at is None else run.diverged_at,
        ]


def _cell(value: float) -> object:
    return "" if math.isnan(value) else value


def _evaluation_rows(results: RaceResults) -> Iterator[list[object]]:
    """A row for each evaluation of each run."""
    runs = (*results.trials, *results.finals)
    metrics = sorted({name for run in runs for name in run.values})
    yield ["lane", "stage", "number", "step", "training_seconds", *metrics]
    for run in runs:
        yield from _evaluations(results, run, metrics)


def _evaluations(
    results: RaceResults, run: RunResult, metrics: list[str]
) -> Iterator[list[object]]:
    lane = clean(results.spec.lanes[run.planned.lane].label)
    for index, (step, seconds) in enumerate(zip(run.steps, run.seconds, strict=True)):
        values = [run.values[name][index] if name in run.values else "" for name in metrics]
        yield [lane, run.planned.stage, run.planned.number, step, seconds, *values]
