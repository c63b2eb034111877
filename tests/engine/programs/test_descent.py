"""Descents equal the formulas of their optimizers; planes have the directions of most variance."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from engine.programs import descent, race_loss_plane
from engine.programs.descent import Request, best_descent, descend
from engine.race import directory, plan
from engine.race.surfaces import surface
from engine.training.recording import weight_path
from presets import UserError
from presets.schema import Component
from support.racing import tiny, write_race


def component(kind, **options):
    return Component(name=kind, type=kind, options=options)


def test_gradient_descent_is_the_formula():
    place = surface("ill-conditioned")
    found = descend(place, component("sgd", lr=0.01), 20)
    x, y = place.start
    for step in range(21):
        assert found.path[step] == pytest.approx((x, y))
        assert found.values[step] == pytest.approx(place.function(x, y))
        x, y = x - 0.01 * x, y - 0.01 * 100 * y


def test_a_descent_ends_where_it_leaves_the_plane():
    found = descend(surface("ill-conditioned"), component("sgd", lr=1.0), 200)
    assert len(found.path) < 10
    assert all(abs(x) <= descent.FAR and abs(y) <= descent.FAR for x, y in found.path)


@pytest.mark.parametrize("name", ["sgd", "adam", "lbfgs", "muon", "schedule-free-sgd", "sophia"])
def test_every_kind_of_optimizer_descends(name):
    found = best_descent(Request(surface="beale", optimizers=[name], steps=60), name)
    assert found.values[-1] < found.values[0]
    assert len(found.path) == 61


def test_the_best_rate_is_no_worse_than_any_other():
    best = best_descent(Request(surface="rosenbrock", optimizers=["adam"], steps=40), "adam")
    for lr in descent.LRS[::4]:
        request = Request(surface="rosenbrock", optimizers=["adam"], steps=40, lr=lr)
        assert best.values[-1] <= best_descent(request, "adam").values[-1]


def test_the_program_answers_a_line_an_optimizer():
    request = json.dumps(
        {"surface": "saddle", "optimizers": ["sgd", "sparse-adam"], "steps": 5}
    ).encode()
    answer = subprocess.run(
        [sys.executable, "-m", "engine.programs.descent"],
        input=request,
        capture_output=True,
        check=True,
    )
    good, bad = map(json.loads, answer.stdout.splitlines())
    assert len(good["path"]) == 6
    assert "sparse gradients" in bad["error"]


def test_principal_directions_are_those_of_the_covariance():
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(30, 5)) * (1, 5, 0.1, 2, 0.5)
    centred = (rows - rows.mean(0)).astype(np.float32)
    axes, shares = race_loss_plane.principal(centred)
    values, vectors = np.linalg.eigh(np.cov(centred.T))
    for axis, expected in zip(axes, vectors[:, ::-1].T, strict=False):
        assert abs(axis @ expected) == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_allclose(shares, values[::-1][:2] / values.sum(), rtol=1e-4)


def keep_weights(race, made):
    """Weights of 4 steps of each run: one number moves, twice as far in the first lane."""
    from torch import nn

    from engine.config import configure, registry

    for lane, planned in enumerate(plan.finals(made)):
        config = race.run(planned.name).config()
        model: nn.Module = registry.build("model", config.model, configure.dataset_info(config))
        start = np.linspace(-0.1, 0.1, len(weight_path.flat(model)), dtype=np.float32)
        folder = race.run(planned.name).path / "weights"
        folder.mkdir()
        for step in range(4):
            moved = start.copy()
            moved[lane * 7] += step * (1.0 if lane else 2.0)
            np.save(folder / f"step-{step:08d}.npy", moved)


def test_the_plane_goes_through_the_ways(tmp_path):
    made = tiny("adam", "sgd", budget=20, seeds=1)
    race = directory.create(tmp_path, made)
    write_race(race, made, [[[0.5, 0.6]], [[0.4, 0.5]]])
    keep_weights(race, made)
    found = race_loss_plane.of_race(race, 0)
    assert [way.label for way in found.ways] == ["adam", "sgd"]
    assert sum(found.explained) == pytest.approx(1.0)
    for way, length in zip(found.ways, (6.0, 3.0), strict=True):
        assert math.dist(way.points[0], way.points[-1]) == pytest.approx(length, rel=1e-3)
        assert way.steps == [0, 1, 2, 3]
    assert len(found.losses) == len(found.losses[0]) == race_loss_plane.GRID
    assert all(math.isfinite(value) for row in found.losses for value in row)


def test_without_weights_there_is_no_plane(tmp_path):
    made = tiny(seeds=1)
    race = directory.create(tmp_path, made)
    write_race(race, made, [[[0.5]], [[0.5]]])
    with pytest.raises(UserError, match="no weights were kept"):
        race_loss_plane.of_race(race, 0)


def test_a_lane_that_runs_off_does_not_press_the_others_together():
    rng = np.random.default_rng(5)
    start = rng.normal(size=40).astype(np.float32)
    steps = np.arange(6, dtype=np.float32)[:, None]
    ways = [start + steps * rng.normal(size=40).astype(np.float32) for _ in range(3)]
    ways.append(start + 1000 * steps * rng.normal(size=40).astype(np.float32))
    reaches = [race_loss_plane._reach(rows) for rows in ways]
    assert reaches[3] > 100 * reaches[0]
    found = race_loss_plane.place(ways)
    assert np.linalg.norm(found.axes, axis=1) == pytest.approx([1.0, 1.0], abs=1e-4)
    width = max(found.x[-1] - found.x[0], found.y[-1] - found.y[0])
    for points in found.points[:3]:
        assert np.linalg.norm(points[-1] - points[0]) > 0.1 * width
    assert np.abs(found.points[3]).max() > width


def test_a_lane_alone_has_its_own_plane(tmp_path):
    made = tiny("adam", "sgd", budget=20, seeds=1)
    race = directory.create(tmp_path, made)
    write_race(race, made, [[[0.5, 0.6]], [[0.4, 0.5]]])
    keep_weights(race, made)
    alone = race_loss_plane.of_race(race, 0, 1)
    assert [way.label for way in alone.ways] == ["sgd"]
    length = math.dist(alone.ways[0].points[0], alone.ways[0].points[-1])
    assert length == pytest.approx(3.0, rel=1e-3)
    assert length > 0.5 * (alone.x[-1] - alone.x[0])
