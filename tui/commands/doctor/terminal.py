"""Findings about the terminal, as far as the environment tells."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress

from tui.commands.doctor.finding import Finding, judge
from tui.screens.too_small import MIN_HEIGHT, MIN_WIDTH
from tui.terminal.plain_terminal import has_colors, is_plain

GLYPHS = "braille ⣿⢣⠃ blocks ▁▄█░▒▓ lines ─│╭╮╌ signs ●▲✓… "
_COLORS = {"truecolor": "16 million", "256": "256", "standard": "16", "windows": "16"}


def findings(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """The findings: size, colours, characters, and the programs in between."""
    yield _terminal(environment)
    yield _colors(environment)
    yield _characters(environment)
    yield from _between(environment)


def _terminal(environment: Mapping[str, str]) -> Finding:
    name = environment.get("TERM", "")
    if not sys.stdout.isatty():
        return judge("terminal", "output is not a terminal", note="run it where the app will run")
    size = shutil.get_terminal_size()
    found = f"TERM={name or '(unset)'}, {size.columns}x{size.lines}"
    if not name:
        return judge("terminal", found, "export TERM=xterm-256color")
    if size.columns < MIN_WIDTH or size.lines < MIN_HEIGHT:
        return judge("terminal", found, f"enlarge it to {MIN_WIDTH}x{MIN_HEIGHT} or more")
    small = size.columns < 80 or size.lines < 24
    return judge("terminal", found, note="everything is shown at 80x24" if small else "")


def _colors(environment: Mapping[str, str]) -> Finding:
    from rich.console import Console

    if environment.get("NO_COLOR"):
        return judge("colours", "none, as NO_COLOR asks", note="unset NO_COLOR for colours")
    if not has_colors(environment):
        return judge("colours", "none, by the name of the terminal")
    # Without NO_COLOR and the like: what the terminal can do.
    system = Console(force_terminal=True, _environ=environment).color_system or ""
    found = _COLORS.get(system, "none")
    note = ""
    if found != "16 million":
        note = "if the terminal has more: export COLORTERM=truecolor, or a TERM ending in -256color"
    return judge("colours", found, note=note)


def _characters(environment: Mapping[str, str]) -> Finding:
    if not is_plain(environment):
        return judge("characters", f"{GLYPHS}(boxes or ?: take another font, or --ascii)")
    if environment.get("TERM", "").startswith(("vt", "linux", "dumb", "ansi", "cons25")):
        return judge("characters", "ASCII, by the name of the terminal")
    return judge(
        "characters",
        "ASCII, since the locale is not UTF-8",
        note="export LANG=C.UTF-8 (`locale -a` lists what is there)",
    )


def _between(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Findings about tmux, screen, mosh and ssh, which pass the screen on."""
    term = environment.get("TERM", "")
    if environment.get("TMUX"):
        wrong = not term.startswith(("tmux", "screen"))
        few = environment.get("COLORTERM") not in ("truecolor", "24bit")
        yield judge(
            "tmux",
            f"TERM={term}",
            "set -g default-terminal tmux-256color, in ~/.tmux.conf" if wrong else "",
            "for all colours: set -as terminal-features ',*:RGB', and export COLORTERM=truecolor"
            if few
            else "",
        )
    elif environment.get("STY"):
        yield judge(
            "screen",
            f"TERM={term}",
            note="" if "256color" in term else "term screen-256color, in ~/.screenrc",
        )
    if _under("mosh-server"):
        yield judge("mosh", "all colours since mosh 1.4; desktop notifications do not pass it")
    if environment.get("SSH_CONNECTION"):
        yield judge("ssh", "connected from " + environment["SSH_CONNECTION"].split(" ")[0])


def _under(name: str) -> bool:
    """Whether a program of this name is among our ancestors."""
    import psutil

    with suppress(psutil.Error):
        return any(parent.name() == name for parent in psutil.Process().parents())
    return False
