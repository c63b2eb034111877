"""Completion in a shell: commands, options, presets and runs; quick, and never a traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.recorded import record

PROGRAM = "from tui.cli import main; main()"


def complete(line: str, **environment: str) -> list[str]:
    """What a shell would offer for the last word of a command line."""
    words = line.split(" ")
    variables = {
        "_BIGMODEL_TUI_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    report = PROGRAM.replace("main()", "", 1).rstrip("; ")
    code = (
        f"{report}\nimport sys, atexit\n"
        "heavy = {'torch', 'textual', 'numpy', 'rich'}\n"
        "atexit.register(lambda: print('heavy,' + str(heavy & set(sys.modules)))\n"
        "    if heavy & set(sys.modules) else None)\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=os.environ | variables | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bigmodel-tui wa", {"watch"}),
        ("bigmodel-tui --no", {"--no-mouse"}),
        ("bigmodel-tui run --opt", {"--optimizer"}),
        (
            "bigmodel-tui run --optimizer ada",
            {"adam", "adamw", "adamax", "adagrad", "adadelta", "adafactor"},
        ),
        ("bigmodel-tui run --recipe quick", {"quickstart"}),
        ("bigmodel-tui find-lr --model gpt", {"gpt-mini", "gpt-10m", "gpt2-124m"}),
        ("bigmodel-tui completion f", {"fish"}),
        ("bigmodel-tui nosuch x", set()),
    ],
)
def test_words(line: str, offered: set[str]) -> None:
    assert set(complete(line)) == offered


def test_runs_newest_first_and_once(runs_root: Path) -> None:
    for name in ("20260101-a", "20260102-b", "other"):
        record(runs_root, name)
    assert complete("bigmodel-tui watch 2026") == ["20260102-b", "20260101-a"]
    assert complete("bigmodel-tui watch 20260102-b 2026") == ["20260101-a"]
    assert complete("bigmodel-tui show ot") == ["other"]
    assert complete("bigmodel-tui run --resume ot") == ["other"]
    elsewhere = f"bigmodel-tui show --runs-dir {runs_root.parent}/nosuch ot"
    assert complete(elsewhere) == []


def test_a_folder_that_others_can_write_completes_nothing(runs_root: Path) -> None:
    record(runs_root, "mine")
    runs_root.chmod(0o777)
    assert complete("bigmodel-tui watch mi") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, "completion", shell],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"_BIGMODEL_TUI_COMPLETE={shell}_complete" in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.stdout, text=True, check=True, timeout=60)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_with_it(tmp_path: Path) -> None:
    program = tmp_path / "bigmodel-tui"
    program.write_text(f"#!{sys.executable} -P\n{PROGRAM}\n")
    program.chmod(0o755)
    script = (
        'eval "$(bigmodel-tui completion bash)"; COMP_WORDS=(bigmodel-tui wa); COMP_CWORD=1; '
        '_bigmodel_tui_completion bigmodel-tui; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "watch\n", done.stderr
