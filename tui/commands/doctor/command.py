"""`bigmodel-tui doctor`: what terminal and machine can do, and what to do about the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.text import clean

if TYPE_CHECKING:
    from tui.commands.doctor.finding import Finding

_MARKS = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}


def register(group: click.Group, runs_dir: Any) -> None:
    """Add the command to `group`; `runs_dir` is its option for the runs directory."""
    group.add_command(runs_dir(doctor))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def doctor(context: click.Context, root: Path, as_json: bool) -> None:
    """Check terminal, torch, devices and folders.

    Says what each can do, and what to do about each problem. The exit status is 1 if there is one.
    """
    from tui.commands.doctor import system as doctor_system
    from tui.commands.doctor import terminal as doctor_terminal

    problems = 0
    for finding in _all(doctor_terminal.findings(), doctor_system.findings(root)):
        problems += finding.level == "problem"
        if as_json:
            click.echo(json.dumps(finding.facts()))
        else:
            for line in _lines(finding):
                click.echo(line)
    if not as_json:
        click.echo(f"{problems} problem{'s' * (problems != 1)}" if problems else "no problems")
    context.exit(1 if problems else 0)


def _all(*parts: Iterable[Finding]) -> Iterable[Finding]:
    for part in parts:
        yield from part


def _lines(finding: Finding) -> list[str]:
    lines = [f"{_MARKS[finding.level]}  {finding.name:<16} {clean(finding.found)}"]
    if finding.advice:
        lines.append(f"{'':9}{'':16} -> {clean(finding.advice)}")
    return lines
