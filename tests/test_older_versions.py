"""What a version wrote before the code moved into packages still opens, trains on and is used; its
index of runs is made anew.

`fixtures/before_rooms` holds what commit 404a3fc left behind: two runs of one configuration, one
killed after step 14, steered at the same steps; a race; a user's configuration, presets, remembered
choices and index of runs.
"""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import presets
from engine.config import configure, registry
from engine.race import directory
from engine.runs import checkpoint, fork, run_directory
from engine.runs.events import RunStarted
from engine.runs.log_reader import read_all
from engine.runs.run_directory import RunDir
from presets import userpresets
from presets.schema import Component
from presets.userconfig import read_config
from support.forked import of, told, train
from support.older import KILLED, LEFT_BEHIND, RACE, WHOLE, copied
from support.packages import configured, forget, install, site
from support.seen import text, until_shown
from tui import cli
from tui.app import BigModelApp
from tui.choices.kept import last_choice, small_files
from tui.panels.chosen_panels import Layout, Placed
from tui.plots.plot_view import PlotView
from tui.runs import loading
from tui.runs.cache import column_cache, snapshot
from tui.runs.listing.index import Index
from tui.terminal import themes

__all__ = ["configured", "site"]  # fixtures

MAKER = bytes.fromhex("3b") * 32
"""Stands for the digest of other code, with which a column cache is marked."""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The runs directory."""
    torch.set_num_threads(1)
    monkeypatch.setenv("BIGMODEL_RUNS_DIR", str(tmp_path / "runs"))
    return copied("runs", tmp_path / "runs")


@pytest.fixture
def user(tmp_path, monkeypatch):
    """The user's configuration, presets and what was remembered."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(copied("config", tmp_path / "config")))
    monkeypatch.setenv("XDG_STATE_HOME", str(copied("state", tmp_path / "state")))
    forget()
    userpresets.forget()
    yield
    userpresets.forget()


def output(*arguments: str) -> str:
    result = CliRunner().invoke(cli.cli, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_runs_are_listed_shown_and_exported(root):
    listed = [json.loads(line) for line in output("ls", "--json").splitlines()]
    facts = [(row["id"], row["name"], row["status"]) for row in listed]
    assert facts == [(WHOLE, "the first", "done"), (KILLED, "", "crashed")]
    shown = output("show", WHOLE)
    assert "done: all 22 steps done" in shown
    assert ["clip.threshold", "0.7"] in [line.split() for line in shown.splitlines()]
    lines = output("export", WHOLE, "--format", "csv").splitlines()
    assert "train/loss" in lines[0]
    steps = [json.loads(line) for line in output("export", WHOLE, "--format", "jsonl").splitlines()]
    losses = {row["step"]: row["train/loss"] for row in steps if "train/loss" in row}
    assert losses.keys() == set(range(1, 23))
    assert losses[22] == told(RunDir(root / WHOLE))["train/loss", 22]


def test_what_commands_changed_is_in_force(root):
    state = loading.load(RunDir(root / WHOLE))
    assert [command.outcome for command in state.commands].count("applied") == 2
    assert (state.status, state.step, state.planned_steps) == ("done", 22, 22)
    assert (state.config["clip"]["mode"], state.config["clip"]["threshold"]) == ("norm", 0.7)
    assert state.best("val/ema_loss") is not None
    assert (state.layers, state.confusion, state.predictions) != (None, None, None)


def test_a_killed_run_goes_on_from_its_checkpoint(root):
    """Up to the first update everything is as it was; from there on the rate is not, because a
    cosine ended a step after the last one then, and losses of the same batches stay close."""
    run = RunDir(root / KILLED)
    begins = checkpoint.newest_valid(run).step
    train(run)
    expected, found = told(RunDir(root / WHOLE)), told(run)
    assert found.keys() == expected.keys()
    for (name, step), value in expected.items():  # not bit by bit: another machine, another torch
        if step <= begins + 1 and name != "lr":
            assert found[name, step] == pytest.approx(value, rel=1e-4, abs=1e-5), (name, step)
        elif name == "train/loss":
            assert found[name, step] == pytest.approx(value, rel=0.005), step
        elif isinstance(value, dict):
            assert found[name, step].keys() == value.keys(), (name, step)
    assert found["lr", 22] < 1e-9 < expected["lr", 22]
    last = checkpoint.newest_valid(run)
    assert (last.step, checkpoint.read_state(last).clip.mode) == (22, "norm")


def test_a_run_is_forked(root):
    at = fork.settings_at(RunDir(root / KILLED))
    assert (at.checkpoint.step, at.config.clip.mode) == (8, "zclip")
    assert 0.002 < at.config.optimizer.options["lr"] < 0.0021  # doubled while the schedule fell
    assert at.changed.keys() == {"optimizer.lr", "clip.mode", "clip.threshold", "steps"}
    child = run_directory.create(root, fork.config(at, settings={"steps": 12}))
    train(child)
    (begun,) = of(RunStarted, read_all(child.events_path))
    assert (begun.parent.run, begun.parent.step) == (KILLED, 8)
    assert loading.load(child).status == "done"


def test_a_race_is_listed_and_reported(root, user, tmp_path):
    race = json.loads(output("races", "--json"))  # one line: the only one
    assert race["id"] == RACE
    spec = directory.find(root, RACE).spec()
    assert [lane.label for lane in spec.lanes] == ["sgd", "gentle"]
    output("race-report", RACE, "--output", str(tmp_path / "report"))
    report = "".join(path.read_text() for path in (tmp_path / "report").glob("*.md"))
    assert "gentle" in report
    assert "same" in report


async def test_the_screen_opens_with_what_was_remembered(root, user):
    app = BigModelApp(root=root, runs=[RunDir(root / WHOLE)])
    async with app.run_test(size=(160, 48)) as pilot:
        await until_shown(pilot, "val/ema_loss")
        assert "the first" in text(app)


def test_what_was_remembered_is_used(user):
    choice, gone = last_choice.recall()
    assert (choice.model, choice.optimizers, choice.values["lr"]) == ("mlp", ("gentle",), "0.03")
    assert gone == []
    (config,) = choice.configs()
    assert (config.optimizer.options["lr"], config.clip.ratio, config.ema_decay) == (
        0.03,
        0.02,
        0.9,
    )
    assert themes.first(None) == "light"
    assert small_files.load("plots", PlotView).log_y
    wide = (Placed("loss", 12), Placed("metric:val/ema_loss", 4), Placed("lr", 3))
    assert small_files.load("layout", Layout).wide == wide


def test_the_users_own_files_are_used(user):
    config = read_config()
    assert (config.theme, config.ascii, config.mouse) == ("light", True, False)
    assert config.alerts.off == ("plateau", "stall")
    assert presets.problems() == []
    own = configure.resolve(optimizer="gentle")
    assert own.optimizer.options == {"lr": 0.02, "beta": 0.5}
    assert (own.clip.mode, own.clip.threshold) == ("norm", 0.5)
    recipe = configure.resolve(recipe="mine")
    assert (recipe.optimizer.name, recipe.steps, recipe.schedule.type) == ("gentle", 20, "cosine")


def test_the_index_of_runs_is_made_anew(root, tmp_path):
    """Its rows had one value of each metric; now they have the best one and the last one."""
    index = Index(root, tmp_path / "cache")
    index.path.parent.mkdir()
    shutil.copyfile(LEFT_BEHIND / "cache/runs.index", index.path)
    index.load()
    assert index.rows == {}
    (*_, rows) = index.refresh()
    assert {row.id for row in rows} == {WHOLE, KILLED}
    again = Index(root, tmp_path / "cache")
    again.load()
    assert {row.label for row in again.rows.values()} == {"the first", "adam"}


def test_a_column_cache_of_other_code_is_made_anew(root, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(column_cache, "MIN_BYTES", 1)
    run = RunDir(root / WHOLE)
    with monkeypatch.context() as before:
        before.setattr(snapshot, "code_hash", lambda: MAKER)
        loading.load(run)
        assert column_cache.load(run.events_path) is not None
    assert column_cache.load(run.events_path) is None
    assert loading.load(run).step == 22
    assert column_cache.load(run.events_path) is not None


FORMER_POINTS = """
[bigmodel_tui.models]
old = old_model
[bigmodel_tui.optimizers]
old = old_optimizer
"""
FORMER_MODEL = """
from engine import parameter_groups
from engine.registry import Cost, DatasetInfo
from presets.schema import Config as Base
class Config(Base, frozen=True):
    width: int = 3
def cost(config: Config, data: DatasetInfo) -> Cost:
    return Cost(num_parameters=config.width, multiply_adds=1)
def build(config, data):
    import engine.registry
    assert parameter_groups.tuned
    return engine.registry.Cost
"""
FORMER_OPTIMIZER = """
from engine.parameter_groups import Groups, tuned
from presets.schema import Config as Base, Positive
class Config(Base, frozen=True):
    lr: Positive = 0.1
def build(config: Config, groups: Groups):
    return tuned(groups, config)
"""


def test_plug_ins_of_before_are_loaded(site, configured):
    points = (
        "[bigmodel_tui.models]\nold = old_model\n[bigmodel_tui.optimizers]\nold = old_optimizer\n"
    )
    install(site, "old-parts", points, old_model=FORMER_MODEL, old_optimizer=FORMER_OPTIMIZER)
    configured("plugins: [old-parts]")
    model = Component(name="x", type="old-parts:old", options={"width": 4})
    found = registry.module("model", model.type)
    assert found.cost(registry.config("model", model), None) == registry.Cost(
        num_parameters=4, multiply_adds=1
    )
    assert registry.build("model", model, None) is registry.Cost
    optimizer = Component(name="x", type="old-parts:old", options={"lr": 0.5})
    (group,) = registry.build("optimizer", optimizer, [{"lr_scale": 1.0, "decay": False}])
    assert group["lr"] == 0.5


def test_nothing_in_the_fixture_names_a_machine():
    for path in LEFT_BEHIND.rglob("*"):
        if path.is_file():
            assert b"/tmp" not in path.read_bytes(), path
            assert os.fsencode(Path.home()) not in path.read_bytes(), path
