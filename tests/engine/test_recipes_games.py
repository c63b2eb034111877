"""The recipes that play: what their networks reach, in moves and in games. Minutes each."""

import statistics
import time

import pytest

from engine import tasks
from engine.config import configure, registry
from engine.games import gnugo, match
from engine.games.players import RandomPlayer, WinOrBlock
from engine.runs import run_directory
from engine.runs.events import Evaluation
from engine.training.saving import snapshot
from support.forked import last_checkpoint, train

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
SEEDS = (0, 1, 2)


def trained(folder, recipe, seed):
    """The task and its player at the end of a run; the means over the test set; CPU seconds."""
    config = configure.resolve(
        recipe=recipe, settings={"device": "cpu", "threads": 1, "seed": seed}
    )
    run = run_directory.create(folder, config)
    began = time.process_time()
    train(run)
    seconds = time.process_time() - began
    model = registry.build("model", config.model, configure.dataset_info(config))
    model.load_state_dict(snapshot.load(last_checkpoint(run)).weights)
    task = tasks.of(config, configure.dataset_info(config))
    (means,) = [e.values for e in run_events(run) if e.split == "test"]
    return task, task.player(model.eval()), means, seconds


def run_events(run):
    from engine.runs.log_reader import read_all

    return [event for event in read_all(run.events_path) if isinstance(event, Evaluation)]


def rates(task, players, opponent, games):
    """The win rate of each player against an opponent made for it."""
    return [
        match.play(task.begin, player, opponent(seed), games=games, opening_moves=2, seed=seed).rate
        for seed, player in enumerate(players)
    ]


def percent(values):
    return f"{100 * statistics.median(values):.1f} %"


@pytest.mark.figure(
    "go-imitation, median of 3 seeds", asked="top-1 53 %, random 100 %, GNU Go 1 45 % in 90 s"
)
def test_recipe_go_imitation(tmp_path, measured):
    runs = [trained(tmp_path, "go-imitation", seed) for seed in SEEDS]
    task, players = runs[0][0], [player for _, player, _, _ in runs]
    top = [float(means["accuracy"]) for *_, means, _ in runs]
    chance = rates(task, players, RandomPlayer, 100)
    said = f"top-1 {percent(top)}, random {percent(chance)}"
    strong = None
    if gnugo.program():
        strong = []
        for seed, player in enumerate(players):
            with gnugo.GnuGo(1, seed + 1) as opponent:
                strong += rates(task, [player], lambda _, one=opponent: one, 40)
        said += f", GNU Go 1 {percent(strong)}"
    measured(f"{said} in {statistics.median(run[3] for run in runs):.0f} s of CPU")
    assert statistics.median(top) >= 0.53
    assert statistics.median(chance) == 1
    assert strong is None or statistics.median(strong) >= 0.45


@pytest.mark.figure(
    "connect-four, median of 3 seeds", asked="random 99 %, win-or-block 90 % in 120 s"
)
def test_recipe_connect_four(tmp_path, measured):
    runs = [trained(tmp_path, "connect-four", seed) for seed in SEEDS]
    task, players = runs[0][0], [player for _, player, _, _ in runs]
    chance = rates(task, players, RandomPlayer, 400)
    careful = rates(task, players, WinOrBlock, 400)
    measured(
        f"random {percent(chance)}, win-or-block {percent(careful)} in "
        f"{statistics.median(run[3] for run in runs):.0f} s of CPU"
    )
    assert statistics.median(chance) >= 0.99
    assert statistics.median(careful) >= 0.90
