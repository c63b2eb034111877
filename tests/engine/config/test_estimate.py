"""What a run will need, told before it starts."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from engine.config import configure, estimate
from engine.config.estimate import Memory
from engine.config.registry import DatasetInfo
from engine.optimizers import adam


def resolve(**settings):
    dotted = {key.replace("__", "."): value for key, value in settings.items()}
    return configure.resolve(model="mlp", dataset="digits", optimizer="adam", settings=dotted)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    """No answer of an earlier test, and no driver of this machine."""
    monkeypatch.setattr(estimate, "_asked", {})
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def _cost(monkeypatch):
    """A model of a thousand parameters, and three hundred activations a sample."""
    cost = SimpleNamespace(num_parameters=1000, multiply_adds=900, activations=300)
    monkeypatch.setattr(estimate, "_cost", lambda config: cost)


@pytest.mark.usefixtures("_cost")
def test_each_part_of_the_memory():
    samples = 1257 + 270 + 270
    memory = estimate.memory(resolve())
    assert memory == Memory(
        parameters=4000,
        gradients=4000,
        optimizer=8000,
        ema=0,
        activations=300 * 4 * 32,
        data=samples * (64 * 4 + 8),
    )
    assert memory.total == 16000 + 300 * 4 * 32 + samples * 264


@pytest.mark.usefixtures("_cost")
@pytest.mark.parametrize(
    ("settings", "part", "expected"),
    [
        ({"ema_decay": 0.99}, "ema", 4000),
        ({"accumulate": 4}, "activations", 300 * 4 * 8),
        ({"accumulate": 5}, "activations", 300 * 4 * 7),
        ({"batch_size": "full"}, "activations", 300 * 4 * 1257),
        ({"precision": "tf32"}, "activations", 300 * 4 * 32),
        ({"precision": "bf16"}, "activations", 300 * 2 * 32),
        ({"precision": "fp16"}, "parameters", 6000),
        ({"precision": "bf16"}, "gradients", 4000),
        ({"activation_checkpointing": True}, "activations", 300 * 32),
        ({"data_on": "host"}, "data", 540 * 264),
        ({"data_on": "device"}, "data", 1797 * 264),
    ],
)
def test_settings_that_change_a_part(settings, part, expected):
    assert getattr(estimate.memory(resolve(**settings)), part) == expected


def test_data_that_takes_more_than_a_quarter_stays_on_the_host():
    train = 1257 * 264
    assert estimate.memory(resolve(), free=4 * train).data == 1797 * 264
    assert estimate.memory(resolve(), free=4 * train - 1).data == 540 * 264
    assert estimate.memory(resolve(data_on="device"), free=1).data == 1797 * 264


def test_the_optimizer_says_what_it_keeps(monkeypatch):
    weights = 4 * configure.plan(resolve()).num_parameters
    for kept in (0, 3):
        monkeypatch.setattr(adam, "STATE_TENSORS", kept, raising=False)
        assert estimate.memory(resolve()).optimizer == kept * weights
    monkeypatch.delattr(adam, "STATE_TENSORS")
    assert estimate.memory(resolve()).optimizer == 2 * weights


PEAK = """
import contextlib, sys, torch
from engine.config.registry import DatasetInfo
from engine.models import gpt
from engine.tasks.language import Language

def peak():
    with open("/proc/self/status") as file:
        return [int(line.split()[1]) for line in file if line.startswith("VmHWM")][0] * 1024

torch.set_num_threads(1)
info = DatasetInfo(input_shape=(32,), num_outputs=50257, task="language", samples={})
model, task = gpt.build(gpt.Config(layers=1, heads=2, width=16), info), Language(info)
x = torch.randint(50257, (16, 32))
task.loss(model(x[:1]), x[:1]).backward()
before = peak()
with torch.autocast("cpu", torch.bfloat16, enabled=sys.argv[1] == "bf16"):
    output = model(x)
    loss = task.loss(output, x)
loss.backward()
print(peak() - before)
"""


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_large_vocabularies_take_memory_for_their_logits(precision):
    """In a process of its own, whose peak of memory is this."""
    config = configure.resolve(
        model="gpt-mini",
        dataset="bible-en",
        settings={
            "model.layers": 1,
            "model.heads": 2,
            "model.width": 16,
            "dataset.context_length": 32,
            "batch_size": 16,
            "precision": precision,
            "device": "cpu",
        },
    )
    info = DatasetInfo(input_shape=(32,), num_outputs=50257, task="language", samples={"train": 99})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configure, "dataset_info", lambda config: info)
        patch.setattr(estimate, "_data_bytes", lambda *_: 0)
        needed = estimate.memory(config)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, precision], capture_output=True, text=True, check=True
    )
    expected = needed.activations + needed.outputs
    assert expected > 3 * 16 * 32 * 50257 * 4
    assert int(done.stdout) == pytest.approx(expected, rel=0.2)


def test_operations_of_a_sample():
    # 64 x 256 + 256 x 128 + 128 x 64 + 64 x 10 multiply-adds forward, and twice that backward.
    assert estimate.flops_per_sample(resolve()) == 6 * (16384 + 32768 + 8192 + 640)


def test_whether_it_fits():
    needed = Memory(parameters=1, gradients=1, optimizer=1, ema=1, activations=1, data=1)
    assert needed.total == 6
    assert estimate.fits(needed, estimate.RUNTIME_BYTES + 6) is True
    assert estimate.fits(needed, estimate.RUNTIME_BYTES + 5) is False
    assert estimate.fits(needed, None) is None


class Driver:
    """Stands in for nvidia-smi."""

    def __init__(self, monkeypatch, answer):
        self.asked = []
        self.answer = answer
        monkeypatch.setattr(subprocess, "run", self.run)

    def run(self, command, **options):
        self.asked.append(command[-1])
        assert options["timeout"] > 0
        if isinstance(self.answer, Exception):
            raise self.answer
        return subprocess.CompletedProcess(command, 0, stdout=self.answer)


def test_free_memory_of_a_gpu_is_asked_once(monkeypatch):
    driver = Driver(monkeypatch, "80000\n")
    assert estimate.free_memory("cuda:1") == 80000 << 20
    assert estimate.free_memory("cuda:1") == 80000 << 20
    assert estimate.free_memory("cuda") == estimate.free_memory("auto") == 80000 << 20
    assert driver.asked == ["1", "0"]


@pytest.mark.parametrize(
    "answer",
    [
        "[N/A]\n",
        "",
        FileNotFoundError("nvidia-smi"),
        subprocess.TimeoutExpired("nvidia-smi", 3),
        subprocess.CalledProcessError(6, "nvidia-smi"),
    ],
)
def test_without_an_answer_of_the_driver(monkeypatch, answer):
    driver = Driver(monkeypatch, answer)
    assert estimate.free_memory("cuda:0") is None
    assert estimate.free_memory("cuda:0") is None
    assert len(driver.asked) == 1  # a driver that hangs is not asked again at once
    assert estimate.free_memory("auto") > 1 << 20
    assert estimate.free_memory("cpu") > 1 << 20


def test_hidden_devices(monkeypatch):
    driver = Driver(monkeypatch, "5\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-8f1a")
    assert estimate.free_memory("cuda:1") == 5 << 20
    assert driver.asked == ["GPU-8f1a"]
    assert estimate.free_memory("cuda:2") is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert estimate.free_memory("cuda:0") is None


def test_the_limit_of_a_container(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    monkeypatch.setattr(estimate, "_CGROUP", tmp_path)
    assert estimate.free_memory("cpu") == 3000
    (tmp_path / "memory.stat").write_text("anon 1500\ninactive_file 400\n")
    assert estimate.free_memory("cpu") == 3400
    (tmp_path / "memory.max").write_text("max\n")
    assert estimate.free_memory("cpu") > 1 << 20
