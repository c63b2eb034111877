"""The callbacks without the frameworks: stand-ins call the hooks in the frameworks' order."""

import importlib
import sys
import types
from types import SimpleNamespace

import pytest
import torch

from engine.runs.events import LogLine, RunEnded
from engine.runs.log_reader import read_all
from engine.runs.run_directory import RunDir
from tui.runs.state.store import RunState


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("BIGMODEL_RUNS_DIR", str(tmp_path / "runs"))


def state(dashboard) -> RunState:
    """What was recorded, after the end of the program."""
    run = dashboard._run
    run.close()
    found = RunState(RunDir(run.path))
    for event in read_all(found.run.events_path):
        found.apply(event)
    return found


def points(found: RunState, name: str) -> list[tuple[float, float]]:
    series = found.metrics[name]
    return list(zip(series.steps.tolist(), [round(v, 4) for v in series.values], strict=True))


class Hook:
    """In the place of the base class, which the tests need not have installed."""


def callback(monkeypatch, package: str, base: str, module: str):
    """A callback of ours, with the names of the framework in reach."""
    stand_in = types.ModuleType(package)
    setattr(stand_in, base, Hook)
    monkeypatch.setitem(sys.modules, package, stand_in)
    monkeypatch.setitem(sys.modules, package.partition(".")[0], stand_in)
    monkeypatch.delitem(sys.modules, f"bigmodel_tui.{module}", raising=False)
    return importlib.import_module(f"bigmodel_tui.{module}").DashboardCallback(name="framework")


class SingleDeviceStrategy:
    """As Lightning's is called."""


class Module:
    """As much of a LightningModule as the callback looks at."""

    hparams = {"width": 3}

    def configure_gradient_clipping(self) -> None:
        """The module overrides nothing, as its name below says."""

    configure_gradient_clipping.__module__ = "lightning.pytorch.core.module"


class Trainer(SimpleNamespace):
    """Lightning's loop: what is logged stays until it is logged again, as views of one memory."""

    def __init__(self, dashboard, **changes) -> None:
        weight = torch.nn.Parameter(torch.ones(2))
        optimizer = SimpleNamespace(param_groups=[{"lr": 0.5, "params": [weight]}])
        facts = {
            "weight": weight,
            "dashboard": dashboard,
            "module": Module(),
            "is_global_zero": True,
            "estimated_stepping_batches": 4,
            "optimizers": [optimizer],
            "should_stop": False,
            "sanity_checking": False,
            "kept": {},
            "callback_metrics": {},
            "global_step": 0,
            "gradient_clip_val": None,
            "gradient_clip_algorithm": None,
            "strategy": SingleDeviceStrategy(),
        }
        super().__init__(**(facts | changes))
        dashboard.on_fit_start(self, self.module)

    @property
    def logged_metrics(self):
        return {name: value.detach() for name, value in self.kept.items()}

    def log(self, name: str, value: float) -> None:
        self.kept[name] = torch.tensor(float(value))

    def batch(self, *, steps: bool = True, gradient: float = 3.0) -> None:
        """The hooks around a batch; the schedule moves on before the batch's end."""
        if steps:
            self.weight.grad = torch.tensor([gradient, 4.0])
            group = self.optimizers[0].param_groups[0]
            self.dashboard.on_before_optimizer_step(self, self.module, self.optimizers[0])
            self.global_step += 1
            group["lr"] /= 2
        self.dashboard.on_train_batch_end(self, self.module, None, None, 0)


@pytest.fixture
def lightning(monkeypatch):
    return callback(monkeypatch, "lightning.pytorch", "Callback", "lightning")


def test_values_belong_to_the_step_that_they_were_made_in(lightning):
    trainer = Trainer(lightning)
    for epoch in range(2):
        lightning.on_train_epoch_start(trainer, None)
        for batch in range(2):
            trainer.log("train_acc", epoch + batch / 10)
            trainer.batch()
        lightning.on_validation_start(trainer, None)
        trainer.log("val_acc", epoch / 4)
        trainer.log("f1", epoch / 8)  # a validation's, though its name does not say so
        lightning.on_validation_end(trainer, None)
        trainer.log("train_loss", 10 - epoch)  # the epoch's mean, after the hooks of its batches
    lightning.on_train_end(trainer, None)
    lightning.on_fit_end(trainer, None)
    trainer.log("test_loss", 0.125)
    lightning.on_test_end(trainer, None)
    found = state(lightning)
    assert points(found, "train/accuracy") == [(1, 0), (2, 0.1), (3, 1), (4, 1.1)]
    assert points(found, "train/loss") == [(2, 10), (4, 9)]
    assert points(found, "val/accuracy") == [(2, 0), (4, 0.25)]
    assert points(found, "val/f1") == [(2, 0), (4, 0.125)]
    assert points(found, "test/loss") == [(4, 0.125)]
    assert points(found, "lr") == [(1, 0.5), (2, 0.25), (3, 0.125), (4, 0.0625)]
    assert found.config["width"] == 3
    assert found.status == "done"


def test_batches_that_make_one_step_are_one_step(lightning):
    trainer = Trainer(lightning)
    for number in range(1, 7):
        trainer.log("train_loss", number)
        if number == 1:
            trainer.log("rare", number)
        trainer.batch(steps=number % 3 == 0)
    found = state(lightning)
    assert points(found, "train/loss") == [(1, 3), (2, 6)]
    assert points(found, "rare") == [(1, 1)]


def test_of_twins_steps_have_one_and_evaluations_the_other(lightning):
    trainer = Trainer(lightning, callback_metrics={"train_loss": 1, "val_loss": 1})
    trainer.log("train_loss_step", 1)
    trainer.log("ms_per_step", 7)
    trainer.batch()
    trainer.log("val_loss_step", 2)
    trainer.log("val_loss_epoch", 3)
    lightning.on_validation_end(trainer, None)
    trainer.log("train_loss_epoch", 4)
    lightning.on_train_end(trainer, None)
    found = state(lightning)
    assert points(found, "train/loss") == [(1, 1)]
    assert points(found, "train/loss_epoch") == [(1, 4)]
    assert points(found, "val/loss") == [(1, 3)]
    assert points(found, "ms_per_step") == [(1, 7)]
    assert "val/loss_step" not in found.metrics


@pytest.mark.parametrize(
    ("changes", "norm", "clipped", "threshold"),
    [
        ({"gradient_clip_val": 2.0}, 5, 1, 2),
        ({"gradient_clip_val": 6.0, "gradient_clip_algorithm": "norm"}, 5, 0, 6),
        ({"gradient_clip_val": 3.5, "gradient_clip_algorithm": "value"}, 5, 1, None),
        ({"gradient_clip_val": 4.5, "gradient_clip_algorithm": "value"}, 5, 0, None),
        ({}, None, None, None),
        ({"gradient_clip_val": 2.0, "strategy": object()}, None, None, None),
    ],
)
def test_clipping_by_lightning_is_known(lightning, changes, norm, clipped, threshold):
    trainer = Trainer(lightning, **changes)
    trainer.batch()
    found = state(lightning)
    wanted = {"grad_norm": norm, "clipped": clipped, "clip/threshold": threshold}
    for name, value in wanted.items():
        assert (points(found, name) if name in found.metrics else None) == (
            None if value is None else [(1, value)]
        )


@pytest.mark.parametrize(("processes", "accepts"), [(1, ["stop", "pause"]), (2, ["stop"])])
def test_one_of_several_processes_does_not_wait_alone(lightning, processes, accepts):
    trainer = Trainer(lightning, world_size=processes)
    trainer.batch()
    started = state(lightning).started
    assert started is not None
    assert started.accepts == accepts


def test_an_error_ends_the_run_as_failed(lightning):
    trainer = Trainer(lightning)
    trainer.batch()
    lightning.on_exception(trainer, None, ValueError("too wide"))
    found = state(lightning)
    assert found.ended is not None
    assert (found.ended.status, found.ended.reason) == ("failed", "ValueError: too wide")
    assert not trainer.should_stop


class Face:
    """Hugging Face's trainer, as far as it calls a callback."""

    def __init__(self, monkeypatch, max_grad_norm) -> None:
        self.dashboard = callback(monkeypatch, "transformers", "TrainerCallback", "huggingface")
        to_dict = lambda: {"learning_rate": 0.1}  # noqa: E731
        self.arguments = SimpleNamespace(to_dict=to_dict, max_grad_norm=max_grad_norm)
        self.progress = SimpleNamespace(is_world_process_zero=True, max_steps=4, global_step=0)
        self.control = SimpleNamespace(should_training_stop=False)
        self.call("on_train_begin", model=torch.nn.Linear(1, 1))

    def call(self, hook: str, *given, **named) -> None:
        call = getattr(self.dashboard, hook)
        call(self.arguments, self.progress, self.control, *given, **named)


@pytest.mark.parametrize(("limit", "clipped"), [(1.0, [1, 0]), (0, None), (None, None)])
def test_a_hugging_face_trainer_is_recorded(monkeypatch, limit, clipped):
    face = Face(monkeypatch, limit)
    for step, norm in ((2, 3.0), (4, 0.5)):
        face.progress.global_step = step
        face.call("on_log", {"loss": 0.5, "learning_rate": 0.1 / step, "grad_norm": norm})
        face.call("on_step_end")
        face.call("on_log", {"eval_loss": 0.25, "epoch": step / 4})
    face.call("on_log", {"train_runtime": 1.5, "train_loss": 0.5, "total_flos": 0.0, "epoch": 1})
    face.call("on_train_end")
    face.call("on_log", {"test_loss": 0.125, "epoch": 1})
    found = state(face.dashboard)
    assert points(found, "train/loss") == [(2, 0.5), (4, 0.5)]
    assert points(found, "lr") == [(2, 0.05), (4, 0.025)]
    assert points(found, "val/loss") == [(2, 0.25), (4, 0.25)]
    assert points(found, "test/loss") == [(4, 0.125)]
    assert found.config["model"] == "Linear"
    if clipped is None:
        assert "clipped" not in found.metrics
    else:
        assert found.metrics["clipped"].values.tolist() == clipped
        assert found.metrics["clip/threshold"].values.tolist() == [1, 1]
    assert not {"train_runtime", "train_loss", "total_flos"} & found.metrics.keys()
    lines = [e.message for e in read_all(found.run.events_path) if isinstance(e, LogLine)]
    assert "results: train_runtime 1.5, train_loss 0.5, total_flos 0, epoch 1" in lines
    assert found.status == "done"
    assert face.control.should_training_stop is False


def test_a_trainer_that_trains_again_makes_another_run(monkeypatch):
    face = Face(monkeypatch, 1.0)
    first = RunDir(face.dashboard._run.path)
    face.call("on_train_end")
    face.call("on_train_begin", model=None)
    assert isinstance(read_all(first.events_path)[-1], RunEnded)
    assert RunDir(face.dashboard._run.path) != first
