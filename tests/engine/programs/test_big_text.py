"""A text of 2 GB on 500 MB of memory: prepared, and trained on."""

import json
import shutil
import subprocess
import sys
import time

import psutil
import pytest

from engine.config import configure
from engine.datasets import bible_en
from engine.runs import run_directory, start_process
from engine.runs.events import Evaluation, RunEnded
from engine.runs.log_reader import read_all
from support.forked import of

TEXT_BYTES = 2 * 10**9
NEEDED_BYTES = 8 * 10**9  # the text, two bytes for each character, and some room
MEGABYTE = 10**6


def write_text(path):
    """About 2 GB: an English book again and again, each time with other words in it."""
    book = "".join(bible_en.texts().values())
    number = written = 0
    with path.open("wb") as file:
        while written < TEXT_BYTES:
            turned = book[7919 * number % len(book) :].replace(" the ", f" the {number} ")
            written += file.write(turned.encode())
            number += 1
    return written


def peak(pid):
    """The largest resident memory so far of a process, in bytes; 0 if it has ended."""
    try:
        with open(f"/proc/{pid}/status") as file:
            lines = [line for line in file if line.startswith("VmHWM")]
    except OSError:
        return 0
    return int(lines[0].split()[1]) * 1024 if lines else 0


def prepare(path, output):
    """Tokenise it; returns the process's peak of memory."""
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.programs.prepare"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    request = {
        "path": str(path),
        "output": str(output),
        "tokenizer": "characters",
        "vocabulary": 1,
    }
    process.stdin.write(json.dumps(request).encode())
    process.stdin.close()
    most = 0
    for _ in process.stdout:
        most = max(most, peak(process.pid))
    assert process.wait() == 0
    return most


def train(config, root):
    """Train it; returns the run and the peak of memory of the process that trains."""
    run = run_directory.create(root, config)
    process = start_process.start([run])
    most = 0
    while process.poll() is None:
        for child in psutil.Process(process.pid).children():
            most = max(most, peak(child.pid))
        time.sleep(0.02)
    return run, most


@pytest.mark.slow
@pytest.mark.timeout(3400)
@pytest.mark.figure("a text of 2 GB", asked="prepared and trained on with 500 MB")
def test_two_gigabytes_on_half_a_gigabyte(tmp_path, measured):
    if shutil.disk_usage(tmp_path).free < NEEDED_BYTES:
        pytest.skip("needs 8 GB of disk")
    size = write_text(tmp_path / "big.txt")
    preparing = prepare(tmp_path / "big.txt", tmp_path / "big")
    (tmp_path / "big.txt").unlink()
    config = configure.resolve(
        model="gpt-mini",
        dataset="tokens",
        optimizer="adamw",
        settings={
            "dataset.path": str(tmp_path / "big"),
            "batch_size": 16,
            "steps": 20,
            "device": "cpu",
            "threads": 1,
        },
    )
    windows = configure.dataset_info(config).samples["train"]
    run, training = train(config, tmp_path / "runs")
    events = read_all(run.events_path)
    shutil.rmtree(tmp_path / "big")
    assert [end.status for end in of(RunEnded, events)] == ["done"]
    assert {event.split for event in of(Evaluation, events)} == {"val", "test"}
    measured(
        f"{size / 1e9:.2f} GB, {windows:,} windows: {preparing / MEGABYTE:.0f} MB to prepare, "
        f"{training / MEGABYTE:.0f} MB to train"
    )
    assert windows > 10_000_000  # more than are kept in memory as an order
    assert 0 < preparing < 500 * MEGABYTE
    assert 0 < training < 500 * MEGABYTE
