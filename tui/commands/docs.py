"""`bigmodel-tui docs`: writes the generated pages of `docs/` (`make docs`)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from presets import UserError
from tui.commands import presets as catalog
from tui.text import clean, count

_COMMANDS_HEAD = """\
# Commands

Made from the help texts of the program by `make docs`; `bigmodel-tui COMMAND --help` prints them.
"""
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
"""A part of a page that is made; the rest of that page is written by hand."""


def register(group: click.Group) -> None:
    """Add the command to `group`."""
    group.add_command(docs)


@click.command(hidden=True)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.pass_context
def docs(context: click.Context, folder: Path) -> None:
    """Write the generated pages of a `docs` folder."""
    group = context.find_root().command
    for name, text in pages(group, folder).items():
        try:
            (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError(f"{folder / name}: cannot be written ({error.strerror})") from None
        click.echo(clean(str(folder / name)))


def pages(group: click.Command, folder: Path) -> dict[str, str]:
    """The generated pages as they should be, by file name.

    `group` is the whole command line. `folder` has the present pages, whose parts that are written
    by hand are kept. Raises OSError if they cannot be read.
    """
    from tui.screens.keys_manual import keys_markdown  # all screens: nothing else waits for them

    presets_page = (folder / "presets.md").read_text(encoding="utf-8")
    return {
        "commands.md": commands_page(group),
        "presets.md": with_tables(presets_page, catalog.entries()),
        "keys.md": keys_markdown(),
    }


def commands_page(group: click.Command) -> str:
    """Every command with its usage, its help text and its options, as Markdown."""
    root = click.Context(group, info_name="bigmodel-tui")
    if isinstance(group, click.Group):
        group.list_commands(click.Context(group))  # brings in those that are loaded when named
    commands = group.commands if isinstance(group, click.Group) else {}
    shown = [command for command in commands.values() if not command.hidden]
    parts = [_COMMANDS_HEAD, _described(root)]
    for command in shown:
        parts.append(f"## {command.name}\n")
        parts.append(_described(click.Context(command, parent=root, info_name=command.name)))
    return "\n".join(parts)


def _described(context: click.Context) -> str:
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = ["```", usage, "```", "", *_paragraphs(command.help or "")]
    records = [
        record
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option)
        and parameter is not command.get_help_option(context)
        and (record := parameter.get_help_record(context))
    ]
    lines += [f"- `{option}`: {text}" if text else f"- `{option}`" for option, text in records]
    return "\n".join(lines).rstrip() + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    """A help text as Markdown: what click would not wrap (after `\\b`) is a block of code."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            yield from ("```", paragraph.removeprefix("\b\n"), "```", "")
        else:
            yield from (paragraph, "")


def with_tables(page: str, entries: list[catalog.Entry]) -> str:
    """The page with its tables of presets made anew; presets that are not built in are left out."""
    own = [entry for entry in entries if entry["origin"] == "built-in"]

    def table(found: re.Match[str]) -> str:
        kind = found[2].removesuffix("s")
        rows = [_ROWS[kind](entry) for entry in own if entry["kind"] == kind]
        lines = [_HEADS[kind], "|---" * (_HEADS[kind].count("|") - 1) + "|", *rows]
        return found[1] + "\n".join(lines) + "\n" + found[3]

    return _TABLE.sub(table, page)


_HEADS = {
    "model": "| model | | parameters | options |",
    "dataset": "| data set | | size | options |",
    "optimizer": "| optimizer | | options |",
    "recipe": "| recipe | | parts | settings |",
}


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _named(entry: catalog.Entry) -> tuple[str, str]:
    """The name, which leads to the file that builds it, and the description."""
    target = f"../engine/{entry['kind']}s/{entry['type']}.py"
    return f"[`{entry['name']}`]({target})", entry["description"]


def _options(settings: dict[str, Any]) -> str:
    return " ".join(f"`{key}={_value(value)}`" for key, value in settings.items())


def _value(value: Any) -> str:
    """As it would be typed after `--set KEY=`."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return "''" if value == "" else f"{value:g}" if isinstance(value, float) else str(value)


def _model(entry: catalog.Entry) -> str:
    size = f"{count(entry['num_parameters'])} on `{entry['sized_on']}`"
    return _row(*_named(entry), size, _options(entry["options"]))


def _dataset(entry: catalog.Entry) -> str:
    size = catalog.figures(entry) if "samples" in entry else ""
    return _row(*_named(entry), size, _options(entry["options"]))


def _optimizer(entry: catalog.Entry) -> str:
    return _row(*_named(entry), _options({**entry["options"], **entry["run"]}))


def _recipe(entry: catalog.Entry) -> str:
    parts = ", ".join(f"`{entry[part]}`" for part in ("model", "dataset", "optimizer"))
    settings = " ".join(f"`{key}={_value(value)}`" for key, value in _flat(entry["settings"]))
    return _row(f"`{entry['name']}`", entry["description"], parts, settings)


def _flat(settings: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


_ROWS = {"model": _model, "dataset": _dataset, "optimizer": _optimizer, "recipe": _recipe}
