"""`bigmodel-tui prepare`: what it prints, what it makes, and one line for each mistake."""

import json

import pytest
from click.testing import CliRunner

from support.terminal import Terminal
from tui import cli
from tui.commands import prepare


def invoke(*arguments):
    return CliRunner().invoke(cli.cli, ["prepare", *map(str, arguments)])


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "my book.txt"
    path.write_text("In the beginning there was a text. " * 2000)
    return path


def test_a_folder_beside_the_text(book, tmp_path):
    result = invoke(book, "--tokenizer", "bytes")
    assert result.exit_code == 0
    *progress, facts, command = result.stdout.splitlines()
    assert progress[0].startswith("tokenising: ")
    assert progress[-1] == "tokenising: 100% of 70 kB"
    folder = tmp_path / "my book-tokens"
    assert facts.startswith(f"{folder}: 70,000 tokens of 260 symbols (bytes)")
    assert command == (
        "train with: bigmodel-tui run --recipe bible-gpt --dataset tokens --set "
        f"'dataset.path={folder}'"
    )
    assert json.loads((folder / "index.json").read_text())["symbols"] == 260


def test_for_programs(book, tmp_path):
    result = invoke(book, "--tokenizer", "characters", "--output", tmp_path / "out", "--json")
    found = json.loads(result.stdout)
    assert found["path"] == str(tmp_path / "out")
    assert sum(found["tokens"].values()) == 70_000
    assert found["symbols"] == 4 + len(set("In the beginning there was a text."))


def test_mistakes_are_one_line(book, tmp_path):
    for arguments, message in (
        ((tmp_path / "none.txt",), "none.txt: cannot be read (No such file or directory)"),
        (
            (book, "--tokenizer", "letters"),
            "tokenizer: expected characters, bytes, bpe or the path",
        ),
        ((book, "--vocabulary", "9"), "vocabulary: expected at least 260 for byte pairs, got 9"),
        ((book, "--output", tmp_path), f"{tmp_path}: exists already"),
        ((book, "--tokenizer", "no.json"), "no.json' cannot be read"),
    ):
        result = invoke(*arguments)
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        assert message in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my book.txt"]


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(prepare.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "61")
    progress = prepare._Progress()
    progress.tell("tokenising", 500_000, 2_000_000)
    progress.tell("tokenising", 2_000_000, 2_000_000)
    progress.close()
    lines = capsys.readouterr().out.split("\r")[1:]
    assert [len(line.rstrip("\n")) for line in lines] == [60, 60]
    assert "tokenising: 25% of 2 MB" in lines[0]
    assert lines[1].endswith("\n")


def test_ctrl_c_leaves_nothing(tmp_path):
    """In a real terminal, where both processes get the signal."""
    path = tmp_path / "book.txt"
    path.write_bytes(b"In the beginning there was a text. " * 1_000_000)
    with Terminal("prepare", str(path), "--tokenizer", "characters", cwd=tmp_path) as terminal:
        terminal.wait_for("of 35 MB")
        terminal.send("\x03")
        assert terminal.finish() == 130
        assert not terminal.shows("Traceback")
    assert [found.name for found in tmp_path.iterdir()] == ["book.txt"]
