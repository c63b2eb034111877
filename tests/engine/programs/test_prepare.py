"""The process that prepares a text: what it tells, and that nothing half is left of it."""

import json
import os
import signal
import subprocess
import sys

import pytest

from engine.datasets._token_files import index
from engine.programs import prepare


def start(path, output, tokenizer="bytes", **options):
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.programs.prepare"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )
    request = prepare.Request(
        path=str(path), output=str(output), tokenizer=tokenizer, vocabulary=300
    )
    process.stdin.write(prepare.msgspec.json.encode(request))
    process.stdin.close()
    return process


def text(folder, characters):
    path = folder / "book.txt"
    path.write_text(("In the beginning there was a text. " * (characters // 35 + 1))[:characters])
    return path


def test_it_tells_how_far_it_is_and_what_came_of_it(tmp_path):
    process = start(text(tmp_path, 100_000), tmp_path / "out")
    told = [json.loads(line) for line in process.stdout]
    assert process.wait() == 0
    assert process.stderr.read() == b""
    assert told[0] == {"what": "tokenising", "done": told[0]["done"], "whole": 100_000}
    assert told[-2]["done"] == 100_000
    assert sum(told[-1]["tokens"].values()) == 100_000
    assert told[-1]["symbols"] == 260
    assert "100,000 tokens of 260 symbols (bytes)" in told[-1]["facts"]
    assert index.read(tmp_path / "out").parts["train"].tokens == told[-1]["tokens"]["train"]


@pytest.mark.parametrize(
    ("output", "message"),
    [("book.txt", "exists already"), ("nowhere/out", "cannot be written (No such file")],
)
def test_it_tells_why_there_is_no_folder(tmp_path, output, message):
    process = start(text(tmp_path, 100_000), tmp_path / output)
    (told,) = [json.loads(line) for line in process.stdout][-1:]
    assert process.wait() == 2
    assert message in told["error"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing(tmp_path, how):
    process = start(text(tmp_path, 30_000_000), tmp_path / "out")
    process.stdout.readline()  # it is at work
    process.send_signal(how)
    process.send_signal(how)
    assert process.wait(60) == 130
    assert process.stderr.read() == b""
    assert [path.name for path in tmp_path.iterdir()] == ["book.txt"]


def test_it_ends_when_nobody_listens(tmp_path):
    process = start(text(tmp_path, 30_000_000), tmp_path / "out")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["book.txt"]


def test_a_half_folder_is_nothing_that_anybody_takes_for_one(tmp_path):
    process = start(text(tmp_path, 30_000_000), tmp_path / "out")
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    again = start(text(tmp_path, 100_000), tmp_path / "out")
    assert again.stdout.read().count(b"facts") == 1
    assert again.wait() == 0
