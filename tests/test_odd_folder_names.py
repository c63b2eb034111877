"""A runs folder whose name is not UTF-8: every command works there, and logs stay readable."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.runs import events, lenient_json, run_directory
from engine.runs.events import LogLine
from support.seen import until_shown
from tui.app import BigModelApp


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """Runs `bigmodel-tui` with a runs folder of such a name; it must end with status 0."""
    folder = tmp_path_factory.mktemp("odd")
    root = folder / os.fsdecode(b"ru\xffns")
    try:
        root.mkdir()
    except OSError:
        pytest.skip("this file system has no such names")

    def run(*words: str) -> str:
        start = [sys.executable, "-P", "-c", "from tui.cli import main; main()"]
        environment = {**os.environ, "BIGMODEL_RUNS_DIR": str(root)}
        done = subprocess.run([*start, *words], cwd=folder, env=environment, capture_output=True)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout.decode("utf-8", "replace")

    run("run", "--steps", "12", "--json")
    run.root = root
    return run


def newest(root: Path) -> str:
    return run_directory.list_runs(root)[-1].id


def test_every_command_works(command):
    parent = newest(command.root)
    command("fork", parent, "--set", "steps=18", "--json")
    child = newest(command.root)
    assert child != parent
    for words in (["ls"], ["ls", "--json"], ["show", child]):
        assert child in command(*words)
    assert json.loads(command("show", child, "--json"))["status"] == "done"
    for kind in ("csv", "jsonl"):
        assert command("export", child, "--format", kind)
    command("race", "--optimizers", "adam,sgd", "--budget", "6", "--seeds", "1")
    assert "digits" in command("races")


async def test_the_keys_of_the_app_work(command, monkeypatch):
    """Pages, the lists of runs and of races, a fork and a new run are shown below such a folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(command.root.parent / "cache"))
    run = run_directory.list_runs(command.root)[0]
    app = BigModelApp(root=command.root, runs=[run])
    async with app.run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "100%")
        for page in "654321":
            await pilot.press(page)
        await until_shown(pilot, "[1 Curves]")
        for key, words in (("r", "done"), ("C", "races"), ("N", "Optimizer"), ("f", "Optimizer")):
            await pilot.press(key)
            await until_shown(pilot, words)
            await pilot.press("escape")
            await until_shown(pilot, "[1 Curves]")


def test_a_text_that_is_no_unicode_is_readable_in_the_log():
    line = events.encode(LogLine(message=os.fsdecode(b"from /a\xff/b"), level="info"))
    event = events.decode(line.rstrip(b"\n"))
    assert isinstance(event, LogLine)
    assert event.message == "from /a\N{REPLACEMENT CHARACTER}/b"
    assert lenient_json.encode({"a": [os.fsdecode(b"\xff")]}) == '{"a":["\ufffd"]}'.encode()
    assert lenient_json.encode({"a": [1, None, "b"]}) == b'{"a":[1,null,"b"]}'
