"""The doctor: what it finds, what it advises, and a status for scripts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.runs import safe_file_access
from tui.cli import cli
from tui.commands import logout
from tui.commands.doctor import system as doctor_system
from tui.commands.doctor import terminal as doctor_terminal

BASE = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}


@pytest.fixture
def torch_says(monkeypatch: pytest.MonkeyPatch):
    """What the process that is asked about torch does, instead of importing it."""

    def say(code: str) -> None:
        monkeypatch.setattr(doctor_system, "_ASK_TORCH", code)

    facts = {"version": "2.13.0", "built_for": "", "threads": 4, "devices": []}
    say(f"print({json.dumps(facts)!r})")
    monkeypatch.setattr(doctor_system.shutil, "which", lambda name: None)
    return say


def by_name(findings) -> dict[str, tuple[str, str, str]]:
    return {item.name: (item.level, item.found, item.advice) for item in findings}


def test_the_report_and_its_status(torch_says, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["doctor", "--runs-dir", str(tmp_path / "runs")], env=BASE)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[-1] == "no problems"
    words = {line[9:26].strip() for line in lines if not line.startswith(" ")}
    assert {"terminal", "colours", "characters", "python", "torch", "devices", "runs"} <= words
    assert doctor_terminal.GLYPHS in done.output
    done = CliRunner().invoke(cli, ["doctor", "--json", "--runs-dir", str(tmp_path)], env=BASE)
    facts = [json.loads(line) for line in done.output.splitlines()]
    assert all(set(item) == {"name", "level", "found", "advice"} for item in facts)


def test_a_problem_is_advice_and_status_1(torch_says, tmp_path: Path) -> None:
    torch_says("raise ModuleNotFoundError(\"No module named 'torch'\")")
    done = CliRunner().invoke(cli, ["doctor", "--runs-dir", str(tmp_path)], env=BASE)
    assert done.exit_code == 1
    assert "PROBLEM  torch            not installed\n" in done.output
    assert "-> python -m pip install torch" in done.output
    assert done.output.endswith("1 problem\n")


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import os; os.abort()", "crashed"),
        ("print('no json')", "cannot be asked: "),
        ("import time; time.sleep(60)", "no answer within "),
        ("raise OSError('libcuda.so: \\x1b[31m bad')", "OSError: libcuda.so: \ufffd[31m bad"),
    ],
)
def test_a_broken_torch_is_one_line(torch_says, monkeypatch, code: str, found: str) -> None:
    torch_says(code)
    monkeypatch.setattr(doctor_system, "TORCH_SECONDS", 2.0)
    (said,) = doctor_system._torch([])
    assert said.level == "problem"
    assert said.found.startswith(found)
    assert "\n" not in said.found + said.advice


def test_a_gpu_that_torch_does_not_see_is_a_problem(torch_says) -> None:
    driver = [doctor_system.judge("driver", "NVIDIA H100, 580.1, 0 MiB, 80 GiB")]
    level, found, advice = by_name(doctor_system._torch(driver))["devices"]
    assert (level, found) == ("problem", "cpu")
    assert "for the CPU only" in advice


def test_devices_are_named_with_their_memory(torch_says) -> None:
    facts = {"version": "2", "built_for": "13", "threads": 1, "devices": ["GPU, A, 80000000000"]}
    torch_says(f"print({json.dumps(facts)!r})")
    assert by_name(doctor_system._torch([]))["devices"][:2] == ("ok", "cpu; GPU, A, 80 GB")


def test_the_drivers_words(monkeypatch, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H100, 580.1, 1 MiB, 81559 MiB'\n")
    program.chmod(0o755)
    monkeypatch.setattr(doctor_system.shutil, "which", lambda name: str(program))
    (said,) = doctor_system._driver()
    assert (said.level, said.found) == ("ok", "NVIDIA H100, 580.1, 1 MiB, 81559 MiB")
    program.write_text('#!/bin/sh\necho "couldn\'t communicate with the driver"; exit 9\n')
    (said,) = doctor_system._driver()
    assert (said.level, "communicate" in said.found) == ("problem", True)


@pytest.mark.parametrize(
    ("changes", "name", "level", "words"),
    [
        ({"NO_COLOR": "1"}, "colours", "note", "as NO_COLOR asks"),
        ({"TERM": "vt100"}, "colours", "ok", "none"),
        ({"COLORTERM": ""}, "colours", "note", "256"),
        ({"TERM": "xterm", "COLORTERM": ""}, "colours", "note", "16"),
        ({}, "colours", "ok", "16 million"),
        ({"LANG": "C"}, "characters", "note", "not UTF-8"),
        ({"TERM": "linux"}, "characters", "ok", "ASCII"),
        ({"TMUX": "x"}, "tmux", "problem", "TERM=xterm-256color"),
        ({"TMUX": "x", "TERM": "tmux-256color"}, "tmux", "ok", "TERM=tmux"),
        ({"TMUX": "x", "TERM": "tmux-256color", "COLORTERM": ""}, "tmux", "note", "TERM=tmux"),
        ({"STY": "x", "TERM": "screen"}, "screen", "note", "TERM=screen"),
        ({"SSH_CONNECTION": "10.0.0.7 1 10.0.0.8 22"}, "ssh", "ok", "from 10.0.0.7"),
    ],
)
def test_terminals(changes: dict[str, str], name: str, level: str, words: str) -> None:
    found = by_name(doctor_terminal.findings(BASE | changes))[name]
    assert found[0] == level
    assert words in found[1]


def test_folders_and_configuration(monkeypatch, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    said = doctor_system._runs_folder(shared)
    assert (said.level, "chmod go-w" in said.advice) == ("problem", True)
    said = doctor_system._runs_folder(tmp_path / "not" / "yet")
    assert (said.level, " free on " in said.found) == ("ok", True)
    monkeypatch.setattr(doctor_system, "_file_system", lambda path: "nfs4")
    assert "network file system" in doctor_system._runs_folder(tmp_path).advice
    monkeypatch.setattr(os, "access", lambda *_: False)
    me = safe_file_access.owner(os.geteuid())
    assert doctor_system._unwritable(tmp_path / "x") == (
        f"{tmp_path} cannot be written, it belongs to {me}"
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "bigmodel-tui").mkdir()
    (tmp_path / "bigmodel-tui/config.yaml").write_text("theme: pink\n")
    said = doctor_system._configuration()
    assert said.level == "problem"
    assert "theme: expected one of dark, light, colorblind-dark" in said.advice


def test_runs_that_logging_out_would_end(torch_says, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(logout, "warning", lambda: "systemd ends your processes")
    level, _, advice = by_name(doctor_system.findings(tmp_path))["logout"]
    assert (level, advice) == ("problem", "systemd ends your processes")


def test_our_own_torch_is_found_in_a_process_of_its_own() -> None:
    said = by_name(doctor_system._torch([]))
    assert said["torch"][0] == "ok"
    assert said["devices"][1].startswith("cpu")
    doctor = "tui.commands.doctor"
    code = f"import sys, {doctor}.system, {doctor}.terminal; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60)
