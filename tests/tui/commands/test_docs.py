"""The pages of docs/: generated ones are up to date, and what the others name exists."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from engine.config import configure
from presets.schema import dotted
from tui.cli import cli
from tui.commands import docs

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.glob("*.md")])


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def page(request: pytest.FixtureRequest) -> Path:
    return request.param


def anchors(page: Path) -> set[str]:
    """The parts of a page that a link may lead to."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_generated_pages_are_up_to_date() -> None:
    pages = docs.pages(cli, DOCS)
    assert {"commands.md", "presets.md"} <= pages.keys()
    for name, text in pages.items():
        present = (DOCS / name).read_text(encoding="utf-8")
        assert text == present, f"{name} is stale: run `make docs`"


def test_the_command_writes_the_pages_anew(tmp_path: Path) -> None:
    kept = "by hand\n<!-- table: recipes -->\nold\n<!-- end -->\nby hand too\n"
    (tmp_path / "presets.md").write_text(kept)
    assert CliRunner().invoke(cli, ["docs", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "commands.md").read_text() == (DOCS / "commands.md").read_text()
    text = (tmp_path / "presets.md").read_text()
    assert text.startswith("by hand\n<!-- table: recipes -->\n| recipe |")
    assert text.endswith("|\n<!-- end -->\nby hand too\n")
    assert "`quickstart`" in text
    assert "old" not in text.splitlines()


def test_presets_of_the_user_are_not_in_the_tables(tmp_path: Path) -> None:
    own = {"kind": "optimizer", "name": "mine", "origin": str(tmp_path), "description": ""}
    assert "mine" not in docs.with_tables("<!-- table: optimizers -->\n<!-- end -->", [own])


def test_every_command_and_option_stands_on_the_page_of_commands() -> None:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    for name, command in cli.commands.items():
        if not command.hidden:
            section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
            options = [p for p in command.params if isinstance(p, click.Option)]
            assert section
            assert all(option.opts[-1] in section for option in options)


def test_every_setting_stands_on_the_page_of_settings() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    keys = [key for key in dotted(configure.resolve()) if not key.startswith(PARTS)]
    assert [key for key in keys if f"`{key}`" not in text] == []
    named = re.findall(r"`((?:clip|schedule|groups|diagnostics|checkpoint)\.\w+)`", text)
    assert [key for key in named if key not in keys] == []


PARTS = ("model.", "dataset.", "optimizer.")


def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            path, _, part = target.partition("#")
            linked = page.parent / path if path else page
            assert linked.is_file(), target
            assert not part or part in anchors(linked), target


def test_commands_in_pages_are_commands_of_the_program(page: Path) -> None:
    """Each line of a block of code that begins with the program's name."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines() if not kind else ():
            program, *words = shlex.split(line, comments=True) or [""]
            if program == "bigmodel-tui" and words and words[0] != "[OPTIONS]":
                command = cli if words[0].startswith("-") else cli.commands[words[0]]
                known = {option for param in command.params for option in param.opts}
                given = {word for word in words if word.startswith("--")}
                assert given <= known, line


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
