"""What a run directory holds is opened by one function, which neither waits nor is deceived."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OPENERS = {
    "presets/regular_files.py": "the function itself",
    "engine/runs/signs_of_life/identity.py": "/proc",
    "engine/config/estimate.py": "/proc and /sys",
    "engine/programs/supervise.py": "/proc and /sys",
    "engine/training/saving/checkpoint_writer.py": "in a folder that it just made",
    "engine/training/saving/snapshot.py": "in a folder that it just made",
    "engine/training/recording/profiling.py": "in a folder that it just made",
    "engine/datasets/bible_en.py": "shipped data",
    "engine/datasets/digits.py": "shipped data",
    "engine/datasets/fashion_mnist.py": "shipped data",
    "engine/datasets/bible_en_es.py": "shipped data",
    "engine/datasets/bible_headings.py": "shipped data",
    "engine/datasets/spoken_digits.py": "shipped data",
    "engine/datasets/tweets.py": "shipped data",
    "engine/datasets/_games/records.py": "shipped data",
    "engine/datasets/_token_files/preparing.py": "in a folder that it just made",
    "engine/datasets/image_folder.py": "a person's own images",
    "engine/datasets/_user_files.py": "a person's own data, by open_regular",
    "tui/runs/cache/snapshot.py": "our own source",
    "tui/plots/matplotlib_figure.py": "where a person wants an export",
    "tui/commands/export/command.py": "where a person wants an export",
    "tui/commands/export/tensorboard.py": "where a person wants an export",
    "tui/commands/errors.py": "/dev/null",
    "tui/commands/crash.py": "a new file of a random name",
    "tui/commands/logout.py": "/proc and /etc",
    "tui/commands/demo/player.py": "in a folder that it just made",
    "tui/commands/docs.py": "the pages of docs",
}
"""The modules that open files in another way, and why that is no file of a run."""
METHODS = {"read_bytes", "read_text", "write_bytes", "write_text", "touch"}
MODULES = {"os", "io", "gzip", "lzma", "bz2", "np", "numpy", "Image"}


def opens(path: Path) -> list[int]:
    """The lines on which a module opens a file."""
    lines = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id == "open":
            lines.append(node.lineno)
        elif isinstance(called, ast.Attribute):
            of = called.value.id if isinstance(called.value, ast.Name) else ""
            first = node.args[0] if node.args else None
            mode = isinstance(first, ast.Constant) and isinstance(first.value, str)
            named = called.attr == "open" and (of in MODULES or mode or of.endswith("path"))
            whole = called.attr in METHODS and of not in ("_user_files", "run_directory")
            if named or whole or (of in ("np", "numpy") and called.attr in ("load", "save")):
                lines.append(node.lineno)
    return lines


def test_nothing_else_opens_files() -> None:
    found = {}
    for room in ("engine", "presets", "tui"):
        for path in (ROOT / room).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if "client" not in path.parts and (lines := opens(path)):
                found[name] = lines
    allowed = {*OPENERS, *BY_ITS_OWN}
    assert {name: lines for name, lines in found.items() if name not in allowed} == {}
    assert allowed - {"engine/datasets/_user_files.py"} <= found.keys()


BY_ITS_OWN = {
    "engine/runs/start_process.py": "`resume`, whose presence alone is asked",
    "engine/training/recording/weight_path.py": "into an open file",
    "engine/programs/race_loss_plane.py": "from an open file",
}


@pytest.mark.parametrize(
    "text",
    ["open(p)", "os.open(p, 0)", "run.path.open('rb')", "p.read_bytes()", "np.load(p)"],
)
def test_the_test_sees_each_way_to_open(text: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(f"def f(p):\n    return {text}\n")
    assert opens(path) == [2]
