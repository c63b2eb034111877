"""Races with their processes: whatever interrupts them, they end with the same results."""

import random
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from engine.config import configure
from engine.race import directory, same_start, spec, standings
from engine.race.results import RaceReader
from engine.runs import control, run_directory, start_process
from engine.runs.events import RunEnded, StateChanged
from engine.runs.log_reader import read_all
from support.racing import tiny
from support.recorded import wait_for

RACE = {"budget": 120, "seeds": 2, "target": "val/accuracy >= 0.5"}


def start(race):
    return start_process.start_process("engine.race", [race.process])


def facts(race):
    """All that must be the same in two races of one kind: everything but times."""
    results = RaceReader(race).read(race.spec())
    assert results.ended
    assert same_start.mismatches(results) == []
    return [
        (
            run.planned.name,
            run.planned.lr,
            run.status,
            run.reason,
            run.steps,
            run.values,
            run.test,
            run.clipped,
            run.origin.weights_sha256,
            run.origin.batches_sha256,
        )
        for run in (*results.trials, *results.finals)
    ]


def kill_all(process):
    """The race's process and its engines, at once."""
    with suppress(psutil.NoSuchProcess):
        doomed = psutil.Process(process.pid).children(recursive=True)
        for each in (psutil.Process(process.pid), *doomed):
            with suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGKILL)
    process.wait()


def recorded_steps(race):
    return sum(path.stat().st_size for path in race.runs_path.glob("*/events.jsonl"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, list]:
    """A race that nothing interrupted."""
    race = directory.create(tmp_path_factory.mktemp("whole"), tiny("adam", "sgd", **RACE))
    assert start(race).wait(120) == 0
    return race, facts(race)


def test_every_lane_runs_every_seed_from_the_same_start(whole):
    race, found = whole
    assert len(found) == 4
    assert len({(weights, batches) for *_, weights, batches in found}) == 2  # one a seed
    (ended,) = [e for e in read_all(race.process.events_path) if isinstance(e, RunEnded)]
    assert (ended.status, ended.reason) == ("done", "all 4 runs are over")
    assert not run_directory.locked(race.process)
    table = standings.standings(RaceReader(race).read(race.spec()))
    assert table.final
    # One engine for all of them: torch is imported once.
    assert (
        len(
            [
                1
                for line in (race.path / "engine.log").read_text().splitlines()
                if line.startswith("engine ")
            ]
        )
        == 1
    )


def killed_and_resumed(root, at_bytes):
    race = directory.create(root, tiny("adam", "sgd", **RACE))
    process = start(race)
    wait_for(lambda: recorded_steps(race) >= at_bytes or process.poll() is not None)
    kill_all(process)
    finished = {
        path: path.stat().st_mtime_ns
        for path in race.runs_path.glob("*/events.jsonl")
        if any(isinstance(event, RunEnded) for event in read_all(path))
    }
    assert start(race).wait(120) == 0
    # What was finished was not run again.
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    return facts(race)


def test_killed_and_resumed_it_gives_the_same_results(whole, tmp_path):
    assert killed_and_resumed(tmp_path, 20_000) == whole[1]


@pytest.mark.slow
def test_killed_at_twenty_points_and_resumed(whole, tmp_path):
    total = recorded_steps(whole[0])
    points = [random.Random(number).randrange(total) for number in range(20)]
    for number, at_bytes in enumerate(points):
        assert killed_and_resumed(tmp_path / str(number), at_bytes) == whole[1], at_bytes


def paused(race):
    return any(
        isinstance(event, StateChanged) and event.state == "paused"
        for path in race.runs_path.glob("*/events.jsonl")
        for event in read_all(path)
    )


def test_paused_stopped_and_resumed_it_gives_the_same_results(whole, tmp_path):
    """And meanwhile no second process drives it."""
    race = directory.create(tmp_path, tiny("adam", "sgd", **RACE))
    process = start(race)
    with pytest.raises(Exception, match=r"already|at work"):
        start(race)
    wait_for(lambda: recorded_steps(race))
    control.send(race.process, "pause")
    wait_for(lambda: paused(race))
    assert process.poll() is None
    control.send(race.process, "resume")
    control.send(race.process, "stop")
    assert process.wait(60) == 0
    assert not RaceReader(race).read(race.spec()).ended
    assert start(race).wait(120) == 0
    assert facts(race) == whole[1]


def test_more_seeds_and_lanes_are_added_to_a_race_that_is_over(whole, tmp_path):
    """And a command from before it was started does not stop it."""
    race = directory.create(tmp_path, tiny("adam", **RACE | {"seeds": 1}))
    control.send(race.process, "stop")
    assert start(race).wait(120) == 0
    race.write(spec.extended(race.spec(), {"sgd": tiny("sgd", **RACE).lanes[0].run_config()}, 2))
    assert start(race).wait(120) == 0
    assert facts(race) == whole[1]


def test_a_lane_that_diverges_does_not_end_the_race(tmp_path):
    configs = {
        "sane": tiny("sgd").lanes[0].run_config(),
        "wild": configure.resolve(
            model="mlp",
            dataset="spirals",
            optimizer="sgd",
            settings={
                "dataset.samples": 96,
                "device": "cpu",
                "threads": 1,
                "batch_size": 32,
                "optimizer.lr": 1e30,
                "clip.mode": "none",
                "model.batch_norm": False,
            },
        ),
    }
    race = directory.create(tmp_path, spec.build(configs, budget=20, seeds=2))
    assert start(race).wait(120) == 0
    table = standings.standings(RaceReader(race).read(race.spec()))
    assert [row.label for row in table.rows] == ["sane", "wild"]
    assert table.rows[1].trouble.startswith("diverged in 2 of 2 runs, first at step ")


def test_lanes_are_tuned_before_they_run(tmp_path):
    race = directory.create(
        tmp_path, tiny("adam", "sgd", budget=20, seeds=1, tier="fair", trials=2)
    )
    assert start(race).wait(120) == 0
    results = RaceReader(race).read(race.spec())
    assert [run.status for run in results.trials] == ["done"] * 4
    for lane in range(2):
        (final,) = results.of(lane)
        best = max(results.of(lane, "trial"), key=lambda run: run.best("val/accuracy", larger=True))
        assert final.planned.lr == best.planned.lr
        config = race.run(final.planned.name).config()
        assert config.optimizer.options["lr"] == best.planned.lr
