"""The callbacks in the frameworks themselves, as `make bench-peers` installs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runs.events import RunEnded
from engine.runs.log_reader import read_all
from engine.runs.run_directory import RunDir
from tui.runs.store import RunState

PYTHON = Path(sys.prefix) / "peers" / "bin" / "python"
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


@pytest.mark.parametrize("program", [LIGHTNING, HUGGING_FACE], ids=["lightning", "hugging-face"])
def test_a_trainer_is_on_the_dashboard(tmp_path, program):
    runs = tmp_path / "runs"
    done = subprocess.run(
        [str(PYTHON), "-c", DATA + program, str(runs)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CLIENT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = [path for path in runs.iterdir() if not path.name.startswith(".")]
    events = read_all(path / "events.jsonl")
    state = RunState(RunDir(path))
    for event in events:
        state.apply(event)
    assert isinstance(events[-1], RunEnded)
    assert (events[-1].status, events[-1].step) == ("done", 60)
    losses = state.metrics["train/loss"]
    assert losses.steps.tolist() == list(range(1, 61))
    assert losses.values[-20:].mean() < losses.values[0]
    assert state.metrics["val/loss"].steps.tolist() == [20, 40, 60]
    assert state.metrics["lr"].values[0] == 0.5
