"""Terminals without braille, boxes or colour: when to assume so, and how to serve them."""

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
    """Whether the terminal of this environment is taken to show ASCII only, unless it is `wanted`
    or not."""
    if wanted is not None:
        return wanted
    if environment.get("TERM", "").startswith(_PLAIN_TERMS):
        return True
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return bool(locale) and "utf" not in locale.lower()


def has_colors(environment: Mapping[str, str]) -> bool:
    """Whether the terminal understands colours, which the old DEC terminals do not, and whether
    the user wants them (no-color.org)."""
    return not environment.get("NO_COLOR") and not environment.get("TERM", "").startswith(
        ("vt", "dumb")
    )


def to_ascii(text: str) -> str:
    """The same number of cells in ASCII; what has no likeness becomes `?`."""
    if text.isascii():
        return text
    text = text.translate(_TABLE)
    if text.isascii():
        return text
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in text)


class AsciiFilter(LineFilter):
    """Whatever a widget draws reaches the terminal in ASCII."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]


class ColorlessFilter(LineFilter):
    """Colours become bold and reverse, so that a cursor or a selection is still seen."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(text, _colorless(style), control) for text, style, control in segments]


def _colorless(style: Style | None) -> Style | None:
    if style is None:
        return None
    back = Color.from_rich_color(style.bgcolor) if style.bgcolor else None
    highlighted = back is not None and back.brightness > 0.25
    return Style(bold=style.bold, underline=style.underline, reverse=highlighted or style.reverse)
