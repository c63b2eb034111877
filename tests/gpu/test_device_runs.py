"""Whole runs on the device: what holds on the CPU has to hold on a GPU, without waiting for it."""

import pytest
import torch

from engine.runs import control, run_directory
from engine.runs.events import CheckpointSaved, Layers, NonFinite, Profiled, StateChanged
from engine.training.batches import Batches
from engine.training.steering.commands import Signals, Steering
from support.device_runs import before_steps, column, ended, resolve, start, sync_debug, train

FIRST, LAST, STEPS = 10, 80, 90
"""Steps without any wait of the host: inside an epoch, after the first steps' preparations."""
WORKS = {
    "norm": {"clip__mode": "norm"},
    "value": {"clip__mode": "value", "clip__threshold": 0.01},
    "parameter": {"clip__mode": "parameter", "clip__threshold": 0.1},
    "agc": {"clip__mode": "agc"},
    "autoclip": {"clip__mode": "autoclip"},
    "zclip": {"clip__mode": "zclip"},
    "bf16": {"precision": "bf16"},
    "fp16": {"precision": "fp16"},
    "accumulate": {"accumulate": 2},
    "ema": {"ema_decay": 0.99},
    "host": {"data_on": "host"},
    "cosine": {"schedule__type": "cosine", "schedule__warmup_steps": 10},
    "smoothing": {"label_smoothing": 0.1},
    "gpt": {
        "model": "gpt-mini",
        "dataset": "bible-en",
        "model__layers": 1,
        "model__width": 16,
        "batch_size": 2,
    },
}


@pytest.mark.parametrize(
    ("device", "work"),
    [("cpu", "fp16"), ("cpu", "host")]  # of the test itself
    + [pytest.param("cuda", work, marks=pytest.mark.gpu) for work in WORKS],
    indirect=["device"],
)
def test_no_step_waits_for_the_device(device, work, tmp_path, monkeypatch):
    modes = []

    def switch(mode):
        sync_debug(device, mode)
        modes.append(mode)

    hooks = {FIRST: lambda: switch("error"), LAST: lambda: switch("default")}
    before_steps(monkeypatch, hooks)
    settings = {"steps": STEPS, "predictions": 0, "diagnostics__every": 5, **WORKS[work]}
    try:
        events = start(tmp_path, resolve(device, **settings))
    finally:
        sync_debug(device, "default")
    assert ended(events) == ("done", f"all {STEPS} steps done")
    assert modes == ["error", "default"]
    assert list(column(events, "train/loss")) == list(range(1, STEPS + 1))
    looks = {event.step for event in events if isinstance(event, Layers)}
    assert looks & set(range(FIRST, LAST))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_reduced_precision_trains_like_float32(device, precision, tmp_path):
    means = {}
    for each in ("fp32", precision):
        config = resolve(device, steps=250, precision=each, model__dropout=0.0)
        events = start(tmp_path / each, config)
        assert ended(events)[0] == "done"
        losses = list(column(events, "train/loss").values())
        means[each] = sum(losses[-50:]) / 50
        assert means[each] < 0.7 * sum(losses[:20]) / 20
        if each == "fp16":
            scales = column(events, "scaler/scale")
            assert set(scales.values()) <= {65536.0 / 2**power for power in range(12)}
    assert means[precision] == pytest.approx(means["fp32"], abs=0.1)


def test_resumed_equals_uninterrupted(device, tmp_path, monkeypatch):
    """Bit by bit on the CPU; on a GPU within 1e-4, as some of its sums have no fixed order."""
    config = resolve(device, steps=60, seed=3)
    whole = column(start(tmp_path / "whole", config), "train/loss")
    signals = Signals()
    before_steps(monkeypatch, {25: lambda: setattr(signals, "received", "SIGTERM")})
    run = run_directory.create(tmp_path / "cut", config)
    assert ended(train(run, signals)) == ("stopped", "SIGTERM after step 25")
    events = train(run, resume=True)
    assert ended(events)[0] == "done"
    resumed = column(events, "train/loss")
    assert list(resumed) == list(whole)
    largest = max(abs(resumed[step] - whole[step]) for step in whole)
    print(f"{device}: losses of a resumed run differ by at most {largest:g}")
    assert largest <= (0 if device == "cpu" else 1e-4)


def test_a_loss_that_is_not_finite_pauses(device, tmp_path, monkeypatch):
    original, pause = Batches.at, Steering.pause

    def poisoned(self, step):
        x, y = original(self, step)
        return (x * float("nan") if step == 40 else x), y

    def paused(self, step, reason):
        pause(self, step, reason)
        control.send(self.run, "stop")

    monkeypatch.setattr(Batches, "at", poisoned)
    monkeypatch.setattr(Steering, "pause", paused)
    events = start(tmp_path, resolve(device, steps=100, on_non_finite="pause"))
    (bad,) = [event for event in events if isinstance(event, NonFinite)]
    assert (bad.step, bad.quantity, bad.value) == (40, "loss", "nan")
    states = [event.state for event in events if isinstance(event, StateChanged)]
    assert states[0] == "paused"
    assert ended(events)[0] == "stopped"
    saved = [event for event in events if isinstance(event, CheckpointSaved)]
    assert saved
    assert all(event.finite for event in saved)


def test_a_profile_on_command(device, tmp_path):
    config = resolve(device, steps=30, diagnostics__every="off")  # whose looks compute more
    run = run_directory.create(tmp_path, config)
    control.send(run, "profile")
    events = train(run)
    assert ended(events)[0] == "done"
    (profiled,) = [event for event in events if isinstance(event, Profiled)]
    assert profiled.last_step == profiled.first_step + 19
    assert (run.path / profiled.trace).is_file()
    operations = {operation.name: operation for operation in profiled.operations}
    assert operations["aten::addmm"].calls == 20 * 4  # the layers of the mlp
    assert all(operation.seconds > 0 for operation in profiled.operations)


@pytest.mark.gpu
@pytest.mark.timeout(600)
def test_a_compiled_model_trains_like_the_other(tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA device")
    losses = {}
    for compiled in (False, True):
        config = resolve("cuda", steps=200, compile=compiled, model__dropout=0.0)
        events = start(tmp_path / str(compiled), config)
        assert ended(events)[0] == "done"
        losses[compiled] = list(column(events, "train/loss").values())
    assert losses[True][:5] == pytest.approx(losses[False][:5], rel=1e-3)
    late = {key: sum(values[-50:]) / 50 for key, values in losses.items()}
    assert late[True] == pytest.approx(late[False], abs=0.1)
