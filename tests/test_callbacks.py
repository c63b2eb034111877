"""The callbacks in the frameworks themselves, as `make bench-peers` installs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runs.log_reader import read_all
from engine.runs.run_directory import RunDir
from tui.runs.state.store import RunState

PYTHON = Path(sys.prefix) / "peers" / "bin" / "python"
CASES = Path(__file__).parent / "fixtures" / "cases"
CLIENT = Path(__file__).parents[1] / "engine" / "client"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="needs the environment of `make bench-peers`"),
]

DATA = """
import sys, torch
from torch.nn.functional import cross_entropy
x = torch.randn(320, 4)
y = (x[:, 0] > 0).long()
"""
LIGHTNING = """
import lightning as lt
from torch.utils.data import DataLoader, TensorDataset
from bigmodel_tui.lightning import DashboardCallback

class Module(lt.LightningModule):
    def __init__(self, width=4):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, 2)

    def training_step(self, batch, index):
        loss = cross_entropy(self.layer(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, index):
        self.log("val_loss", cross_entropy(self.layer(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.5)

data = DataLoader(TensorDataset(x, y), batch_size=16)
quiet = {"enable_checkpointing": False, "logger": False, "enable_progress_bar": False}
callback = DashboardCallback(runs_dir=sys.argv[1])
lt.Trainer(max_epochs=3, accelerator="cpu", callbacks=[callback], **quiet).fit(
    Module(), data, data
)
"""
HUGGING_FACE = """
from transformers import Trainer, TrainingArguments
from bigmodel_tui.huggingface import DashboardCallback

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)

    def forward(self, inputs, labels):
        logits = self.layer(inputs)
        return {"loss": cross_entropy(logits, labels), "logits": logits}

data = [{"inputs": a, "labels": b} for a, b in zip(x, y)]
arguments = TrainingArguments(
    output_dir=sys.argv[1] + "-theirs", per_device_train_batch_size=16, max_steps=60,
    logging_steps=1, eval_strategy="steps", eval_steps=20, save_strategy="no", report_to="none",
    learning_rate=0.5, optim="sgd", disable_tqdm=True, use_cpu=True,
)
callback = DashboardCallback(runs_dir=sys.argv[1])
Trainer(
    model=Model(), args=arguments, train_dataset=data, eval_dataset=data, callbacks=[callback]
).train()
"""


def trained(tmp_path: Path, *command: str) -> tuple[RunState, str]:
    """What was recorded of a program that trains, and what it printed."""
    runs = tmp_path / "runs"
    done = subprocess.run(
        [str(PYTHON), *(str(runs) if part == "RUNS" else part for part in command)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CLIENT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = [path for path in runs.iterdir() if not path.name.startswith(".")]
    state = RunState(RunDir(path))
    for event in read_all(path / "events.jsonl"):
        state.apply(event)
    assert state.ended is not None
    assert state.ended.status == "done"
    return state, done.stdout


def points(state: RunState, name: str) -> dict[int, float]:
    series = state.metrics[name]
    steps = series.steps.astype(int).tolist()
    assert len(set(steps)) == len(steps)
    return dict(zip(steps, series.values.tolist(), strict=True))


@pytest.mark.parametrize("program", [LIGHTNING, HUGGING_FACE], ids=["lightning", "hugging-face"])
def test_a_trainer_is_on_the_dashboard(tmp_path, program):
    state, _ = trained(tmp_path, "-c", DATA + program, "RUNS")
    assert state.step == 60
    losses = state.metrics["train/loss"]
    assert losses.steps.tolist() == list(range(1, 61))
    assert losses.values[-20:].mean() < losses.values[0]
    assert state.metrics["val/loss"].steps.tolist() == [20, 40, 60]
    assert state.metrics["lr"].values[0] == 0.5


@pytest.mark.parametrize(("accumulate", "limit"), [(1, 0), (1, 0.5), (4, 0), (4, 3.5)])
def test_what_lightning_made_is_at_the_step_that_made_it(tmp_path, accumulate, limit):
    program = str(CASES / "lightning_steps.py")
    state, said = trained(tmp_path, program, "RUNS", str(accumulate), str(limit))
    truth = {
        name: {int(step): pytest.approx(value, rel=1e-5) for step, value in values.items()}
        for name, values in json.loads(said.splitlines()[-1]).items()
    }
    assert len(truth["loss"]) == (22 if accumulate == 1 else 6)
    assert points(state, "train/loss") == truth["loss"]
    assert points(state, "train/twin") == truth["loss"]
    assert points(state, "lr") == truth["lr"]
    assert points(state, "train/mean") == truth["mean"]
    assert points(state, "val/f1") == truth["f1"]
    assert points(state, "val/accuracy").keys() == truth["f1"].keys()
    assert points(state, "test/loss") == {max(truth["loss"]): 0.125}
    if limit:
        assert points(state, "grad_norm") == truth["norm"]
        assert set(points(state, "clip/threshold").values()) == {limit}
        clipped = {step: float(norm.expected > limit) for step, norm in truth["norm"].items()}
        assert points(state, "clipped") == clipped
    else:
        assert "clipped" not in state.metrics


@pytest.mark.parametrize("limit", [0, 1, 20])
def test_what_hugging_face_logged_is_all_there(tmp_path, limit):
    state, said = trained(tmp_path, str(CASES / "hugging_face_steps.py"), "RUNS", str(limit))
    logged = json.loads(said.splitlines()[-1])
    norms = {entry["step"]: entry["grad_norm"] for entry in logged if "grad_norm" in entry}
    assert len(norms) == 6
    assert points(state, "grad_norm") == pytest.approx(norms, rel=1e-6)
    rates = {entry["step"]: entry["learning_rate"] for entry in logged if "loss" in entry}
    assert points(state, "lr") == pytest.approx(rates, rel=1e-6)
    tests = {entry["step"]: entry["test_loss"] for entry in logged if "test_loss" in entry}
    assert points(state, "test/loss") == pytest.approx(tests, rel=1e-6)
    assert tests.keys() == {12}
    assert set(state.metrics["val/loss"].steps.tolist()) == {4, 8, 12}
    assert "train_loss" not in state.metrics
    assert any(line.message.startswith("results: train_runtime") for line in state.log)
    if limit:
        assert points(state, "clipped") == {s: float(norm > limit) for s, norm in norms.items()}
    else:
        assert "clipped" not in state.metrics
