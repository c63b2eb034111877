"""The floor plan holds: rooms are small and say what they are, private helpers stay private."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = sorted(
    path.parent
    for top in ("engine", "tui")
    for path in (ROOT / top).rglob("__init__.py")
    if "client" not in path.parts
)
OF_ONE_KIND = {
    "engine/datasets",
    "engine/models",
    "engine/optimizers",
    "tui/commands",
    "tui/panels",
    "tui/plots",
    "tui/runs/foreign",
}
"""Rooms whose entries are all of one kind may have as many as there are."""
ABOUT_FOURTEEN = 17


def entries(room: Path) -> list[str]:
    return [path.name for path in room.iterdir() if path.name != "__pycache__"]


def modules() -> list[Path]:
    return [
        path for top in ("engine", "presets", "tui", "tests") for path in (ROOT / top).rglob("*.py")
    ]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_a_room_is_small_and_says_what_it_is(room: Path) -> None:
    name = room.relative_to(ROOT).as_posix()
    if name in ("engine", "tui"):
        assert len(entries(room)) <= 14
    elif name not in OF_ONE_KIND:
        assert len(entries(room)) <= ABOUT_FOURTEEN
    said = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    assert said
    assert said.splitlines()[0].endswith(".")


def test_a_name_with_an_underscore_is_used_in_its_own_folder_only() -> None:
    for path in modules():
        if "tests" in path.parts or "client" in path.parts:
            continue
        here = path.relative_to(ROOT).parent.as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            ours = (
                isinstance(node, ast.ImportFrom)
                and node.module
                and (node.module.partition(".")[0] in ("engine", "presets", "tui"))
            )
            if ours:
                for name in node.names:
                    *folder, module = f"{node.module}.{name.name}".split(".")
                    while folder and not module.startswith("_"):
                        *folder, module = folder
                    private = module.startswith("_") and not module.startswith("__")
                    inside = f"{here}/".startswith(f"{'/'.join(folder)}/")
                    assert not private or inside, f"{path}: {node.module}"


def test_every_path_of_the_architecture_page_is_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:engine|presets|tests|tui)/[\w/.-]+)`", text))
    assert len(named) > 20
    made_by_examples = {"engine/optimizers/sign_sgd.py", "presets/optimizers/sign-sgd.yaml"}
    assert {path for path in named - made_by_examples if not (ROOT / path).exists()} == set()


def test_import_rules_name_packages_and_are_few() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lines = text[text.index("[tool.importlinter]") :].strip().splitlines()
    assert len(lines) <= 80
    for contract in tomllib.loads(text)["tool"]["importlinter"]["contracts"]:
        assert contract["type"] in ("forbidden", "layers")
