"""Terminals without braille, boxes or colour: how they are recognised, and what they are sent."""

from collections.abc import Mapping

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_PLAIN_TERMS = ("vt", "linux", "dumb", "ansi", "cons25")
_TABLE = str.maketrans(
    {
        **dict.fromkeys("─━═╌┄╍╴╶—–▔▁‾", "-"),
        **dict.fromkeys("│┃║▏▎▍▌▐▕╎┆▊▋▉", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛╔╗╚╝", "+"),
        **dict.fromkeys("█▓▒■●▂▃▄▅▆▇▀", "#"),
        **dict.fromkeys("░·•⋅○□▪", "."),
        **dict.fromkeys("▲△↑⭘", "^"),
        **dict.fromkeys("▼▽↓", "v"),
        **dict.fromkeys("▶►→", ">"),
        **dict.fromkeys("◀◄←", "<"),
        "…": ".",
        "×": "x",
        "≥": ">",
        "≤": "<",
        "✓": "y",
        "’": "'",
        "\N{REPLACEMENT CHARACTER}": "?",
    }
)


def is_plain(environment: Mapping[str, str], wanted: bool | None = None) -> bool:
    """Whether to draw in ASCII only: as `wanted` if given, else by the terminal and the locale that
    the environment names."""
    if wanted is not None:
        return wanted
    if environment.get("TERM", "").startswith(_PLAIN_TERMS):
        return True
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return bool(locale) and "utf" not in locale.lower()


def has_colors(environment: Mapping[str, str]) -> bool:
    """Whether the terminal has colours (old DEC terminals have none) and the user wants them
    (no-color.org)."""
    return not environment.get("NO_COLOR") and not environment.get("TERM", "").startswith(
        ("vt", "dumb")
    )


def to_ascii(text: str) -> str:
    """The text in ASCII, of the same width; a character that resembles none becomes `?`."""
    if text.isascii():
        return text
    text = text.translate(_TABLE)
    if text.isascii():
        return text
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in text)


class AsciiFilter(LineFilter):
    """A filter that turns all that widgets draw into ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]


class ColorlessFilter(LineFilter):
    """A filter that turns colours into bold and reverse, so that a cursor is still seen."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(text, _colorless(style), control) for text, style, control in segments]


def _colorless(style: Style | None) -> Style | None:
    if style is None:
        return None
    back = Color.from_rich_color(style.bgcolor) if style.bgcolor else None
    highlighted = back is not None and back.brightness > 0.25
    return Style(bold=style.bold, underline=style.underline, reverse=highlighted or style.reverse)
