"""Races as they are set up, planned and judged, without an engine."""

import math

import numpy as np
import pytest
from msgspec import structs

from engine.config import configure
from engine.race import devices, directory, plan, same_start, spec, standings
from engine.race.results import RaceReader
from engine.runs.events import Restarted
from engine.runs.log_reader import LogWriter
from presets import ConfigError, UserError
from support.racing import TINY, hashed, origin, tiny, write_race, write_run

RISING = [0.2, 0.6, 0.8, 0.9, 0.96, 0.97]


def config(optimizer="adam", **settings):
    given = {key.replace("__", "."): value for key, value in settings.items()}
    return configure.resolve(
        model="mlp", dataset="spirals", optimizer=optimizer, settings={**TINY, **given}
    )


@pytest.fixture
def race(tmp_path):
    return lambda made: directory.create(tmp_path, made)


def judged(race, made):
    results = RaceReader(race).read(made)
    return results, standings.standings(results)


class TestSpec:
    def test_all_lanes_get_one_budget_one_grid_and_no_early_end(self):
        made = tiny("adam", "sgd", budget=40, target="val/accuracy >= 0.9")
        for lane in made.lanes:
            run = lane.run_config()
            assert (run.steps, run.epochs, run.evaluate_every, run.target) == (40, None, 2, None)
            assert run.fingerprint
        assert (made.metric, made.better) == ("val/accuracy", "max")

    def test_without_a_budget_it_is_the_longest_plan(self):
        short, long = config(epochs=1), config("sgd", epochs=2)
        assert spec.build({"short": short, "long": long}).budget == configure.plan(long).steps

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"batch_size": 16}, "batch_size differs between a (32) and b (16)"),
            ({"loss": "mse"}, "loss differs between"),
            ({"dataset__samples": 99}, "dataset differs between"),
        ],
    )
    def test_what_would_not_be_fair_is_refused(self, changes, said):
        with pytest.raises(ConfigError) as caught:
            spec.build({"a": config(), "b": config(**changes)})
        assert said in str(caught.value)

    def test_the_full_batch_of_gd_is_not_compared_with_small_ones(self):
        with pytest.raises(ConfigError, match="batch_size differs"):
            spec.build(
                {
                    name: configure.resolve(model="mlp", dataset="digits", optimizer=name)
                    for name in ("adam", "gd")
                }
            )

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"seeds": 0}, "seeds"),
            ({"tier": "fair", "trials": 0}, "trials: expected a whole number >= 1, got 0"),
            ({"reference": "lion"}, "reference: expected one of adam, sgd, got 'lion'"),
            ({"target": "val/speed >= 1"}, "target: expected one of val/loss, val/accuracy"),
            ({"target": "soon"}, "target: expected text such as"),
        ],
    )
    def test_bad_input_is_one_line(self, options, said):
        with pytest.raises(ConfigError) as caught:
            tiny(**options)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_rates_have_the_same_factors_for_every_lane(self):
        made = tiny("adam", "sgd", tier="fair", trials=6)
        factors = []
        for lane in made.lanes:
            found = spec.trial_lrs(lane, "fair", 6, 30.0)
            default = lane.run_config().optimizer.options["lr"]
            factors.append([rate / default for rate in found])
            assert all(1 / 31 < factor < 31 for factor in factors[-1])
        np.testing.assert_allclose(factors[0], factors[1], rtol=1e-3)
        grid = spec.trial_lrs(made.lanes[0], "rigorous", 3, 30.0)
        np.testing.assert_allclose(grid, [1e-3 / 30, 1e-3, 3e-2], rtol=1e-3)


class TestPlan:
    def test_quick_runs_every_seed_of_every_lane_in_turns(self):
        runs = plan.finals(tiny(seeds=3))
        assert [(run.number, run.lane) for run in runs] == [
            (seed, lane) for seed in range(3) for lane in range(2)
        ]
        assert plan.trials(tiny()) == []
        assert {run.config(tiny()).seed for run in runs} == {0, 1, 2}

    def test_trials_have_a_seed_that_no_final_run_has(self):
        made = tiny(tier="fair", trials=4, seeds=2)
        trials = plan.trials(made)
        assert len(trials) == 8
        assert {run.config(made).seed for run in trials} == {plan.TUNING_SEED}
        assert len({run.name for run in (*trials, *plan.finals(made))}) == 12
        assert made.num_runs == 12

    def test_the_best_finite_trial_decides_the_rate(self):
        made = tiny(tier="rigorous", trials=3)
        reached = {
            run.name: value
            for run, value in zip(
                plan.trials(made), [0.5, 0.9, 0.8, math.nan, 0.7, math.inf], strict=True
            )
        }
        lrs = plan.best_lrs(made, reached)
        trials = {(run.lane, run.number): run.lr for run in plan.trials(made)}
        assert lrs == {0: trials[0, 1], 1: trials[1, 0]}
        assert plan.finals(made, lrs)[0].config(made).optimizer.options["lr"] == lrs[0]
        assert plan.best_lrs(made, {}) == {}


class TestResults:
    def test_the_standings_equal_numpy(self, race):
        made = tiny("adam", "sgd", "momentum", seeds=3, target="val/accuracy >= 0.9")
        chosen = race(made)
        curves = [
            [[0.5, 0.9, 0.95], [0.9, 0.8, 0.92], [0.1, 0.2, 0.91]],
            [[0.5, 0.6, 0.95], [0.9, 0.9, 0.92], [0.1, 0.2, 0.3]],
            [[0.5, 0.6, 0.95], [0.1, 0.1, 0.2], [0.1, 0.2, 0.3]],
        ]
        write_race(chosen, made, curves)
        results, table = judged(chosen, made)
        assert results.ended
        rows = {row.label: row for row in table.rows}
        assert list(rows) == ["adam", "sgd", "momentum"]
        adam = rows["adam"]
        steps = [20, 10, 30]
        assert (adam.steps.median, adam.steps.low, adam.steps.high) == tuple(
            np.quantile(steps, (0.5, 0.25, 0.75))
        )
        assert adam.seconds.median == pytest.approx(np.median(steps) / 100)
        assert adam.value(adam.best.median) == pytest.approx(np.median([0.95, 0.92, 0.91]))
        assert adam.value(adam.test.median) == pytest.approx(0.92)
        assert adam.held.median == np.inf  # only one of three held two evaluations
        assert rows["momentum"].steps.median == math.inf
        assert rows["momentum"].steps.reached == 1
        assert rows["sgd"].speed_up.value == pytest.approx(20 / 30)
        assert adam.speed_up is None
        assert adam.step_seconds == pytest.approx(0.01)
        assert adam.clipped_share == pytest.approx(2 / 3)
        assert adam.optimizer_bytes == 2 * rows["momentum"].optimizer_bytes > 0

    def test_an_optimizer_against_itself_has_no_clear_winner(self, race):
        made = tiny("adam", "adam", seeds=3)
        chosen = race(made)
        write_race(chosen, made, [[RISING, [*RISING[:-1], 0.99], RISING]] * 2)
        results, table = judged(chosen, made)
        assert table.winner is None
        assert table.verdict.startswith(
            "nobody is clearly ahead: adam and adam #2 are within each other's spread over 3 seeds"
        )
        second = next(row for row in table.rows if row.label == "adam #2")
        assert second.speed_up.low <= 1 <= second.speed_up.high
        assert results.goal.value == pytest.approx(0.97)

    def test_a_lane_apart_from_the_others_wins(self, race):
        made = tiny("adam", "sgd", seeds=3, target="val/accuracy >= 0.9")
        chosen = race(made)
        slow = [0.1, 0.1, *RISING]
        write_race(chosen, made, [[RISING] * 3, [slow] * 3])
        _, table = judged(chosen, made)
        assert table.winner == "adam"
        assert "untuned" in table.verdict

    def test_until_the_end_nothing_is_decided(self, race):
        made = tiny(seeds=2)
        chosen = race(made)
        first = plan.finals(made)[0]
        write_run(chosen, made, first, RISING)
        _, table = judged(chosen, made)
        assert not table.final
        assert table.winner is None
        assert table.verdict.startswith("1 of 4 runs are over")
        assert [row.label for row in table.rows] == ["adam", "sgd"]

    def test_a_lane_that_diverges_is_out_and_the_others_are_judged(self, race):
        made = tiny(seeds=2, target="val/accuracy >= 0.9")
        chosen = race(made)
        for planned in plan.finals(made):
            diverged = 7 if planned.lane == 1 else None
            write_run(
                chosen, made, planned, RISING if not planned.lane else [], diverged_at=diverged
            )
        results, table = judged(chosen, made)
        assert results.ended
        assert table.rows[1].trouble == "diverged in 2 of 2 runs, first at step 7"
        assert table.rows[1].steps.reached == 0
        assert table.winner == "adam"

    def test_one_seed_has_no_intervals_and_says_so(self, race):
        made = tiny(seeds=1)
        chosen = race(made)
        write_race(chosen, made, [[RISING], [RISING[:3]]])
        _, table = judged(chosen, made)
        assert "one seed: no intervals" in table.verdict
        assert table.rows[0].speed_up is None

    def test_trials_say_when_they_reached_the_target(self, race):
        made = tiny(seeds=1, tier="fair", trials=2, target="val/accuracy >= 0.9")
        chosen = race(made)
        for planned in plan.trials(made):
            write_run(chosen, made, planned, RISING if planned.lane else RISING[:1])
        results = RaceReader(chosen).read(made)
        at = 10 * (1 + next(i for i, value in enumerate(RISING) if value >= 0.9))
        assert results.to_target(0, stage="trial") == {0: math.inf, 1: math.inf}
        assert results.to_target(1, stage="trial") == {0: at, 1: at}
        assert results.to_target(1, "seconds", stage="trial") == {0: at / 100, 1: at / 100}

    def test_what_a_restart_voids_does_not_count(self, race):
        made = tiny(seeds=1)
        chosen = race(made)
        planned = plan.finals(made)[0]
        write_run(chosen, made, planned, RISING, status=None)
        log = LogWriter(chosen.run(planned.name).events_path)
        log.append(Restarted(step=20, checkpoint="step-00000020", attempt=1, reason="resume"))
        log.close()
        run = RaceReader(chosen).read(made).of(0)[0]
        assert run.steps == [10, 20]
        assert run.values["val/accuracy"] == RISING[:2]
        assert not run.ended


class TestFairness:
    def test_equal_hashes_are_fair(self, race):
        made = tiny(seeds=2)
        chosen = race(made)
        write_race(chosen, made, [[RISING] * 2] * 2)
        results, _ = judged(chosen, made)
        assert same_start.mismatches(results) == []
        assert [seed for seed, *_ in same_start.hashes(results)] == [0, 1]

    @pytest.mark.parametrize("what", ["weights", "data", "batches"])
    def test_a_difference_is_named(self, race, what):
        made = tiny(seeds=1)
        chosen = race(made)
        first, second = plan.finals(made)
        write_run(chosen, made, first, RISING)
        other = structs.replace(origin(second), **{f"{what}_sha256": hashed("another")})
        write_run(chosen, made, second, RISING, began=other)
        results, _ = judged(chosen, made)
        (line,) = same_start.mismatches(results)
        assert what in line
        assert "sgd and adam" in line

    def test_other_models_have_other_weights(self, race):
        made = spec.build(
            {
                "mlp": config(),
                "wide": config(model__hidden=[512]),
            },
            budget=20,
            seeds=1,
        )
        chosen = race(made)
        first, second = plan.finals(made)
        write_run(chosen, made, first, RISING)
        other = structs.replace(origin(second), weights_sha256=hashed("another"))
        write_run(chosen, made, second, RISING, began=other)
        assert same_start.mismatches(RaceReader(chosen).read(made)) == []


class TestDirectory:
    def test_it_is_found_by_the_beginning_of_its_id(self, race, tmp_path):
        chosen = race(tiny())
        assert directory.find(tmp_path, chosen.id[:12]) == chosen
        assert directory.find(tmp_path, str(chosen.path)) == chosen
        assert directory.list_races(tmp_path) == [chosen]
        assert chosen.path.stat().st_mode & 0o077 == 0
        assert chosen.spec() == tiny()

    @pytest.mark.parametrize("name", ["nothing", "./nothing", ""])
    def test_what_is_not_there_is_one_line(self, tmp_path, name):
        with pytest.raises(UserError) as caught:
            directory.find(tmp_path, name)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"lanes": 3}', b"\xff", b"[" * 100_000])
    def test_a_damaged_race_is_one_line_that_names_the_file(self, race, damage):
        chosen = race(tiny())
        chosen.spec_path.write_bytes(damage)
        with pytest.raises(ConfigError) as caught:
            chosen.spec()
        assert "race.json" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_gpus_have_a_worker_each(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    automatic = structs.replace(
        tiny(),
        lanes=tuple(
            structs.replace(lane, config=lane.config | {"device": "auto"}) for lane in tiny().lanes
        ),
    )
    assert devices.places(automatic) == ["cuda:0", "cuda:1"]
    assert not devices.times_compare(automatic)
    assert devices.places(tiny()) == [None]
    assert devices.times_compare(tiny())
    assert devices.places(structs.replace(tiny(), workers=2)) == [None, None]
