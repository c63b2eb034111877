"""Tell the encoding of a text file and how its lines end, from its first bytes; pure."""

import codecs
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", 4),
    (codecs.BOM_UTF32_BE, "utf-32-be", 4),
    (codecs.BOM_UTF8, "utf-8", 1),
    (codecs.BOM_UTF16_LE, "utf-16-le", 2),
    (codecs.BOM_UTF16_BE, "utf-16-be", 2),
)


@dataclass(frozen=True)
class TextForm:
    """How a file's text is written."""

    encoding: str = "utf-8"
    width: int = 1
    """Number of bytes of a letter, or of its parts."""
    newline: str = "\n"
    mark: int = 0
    """Number of bytes of the byte order mark."""

    def last_end(self, data: bytes) -> int:
        """Where the last whole line ends, behind its newline; 0 if there is none."""
        newline = self.newline.encode(self.encoding)
        if self.width == 1:
            return data.rfind(newline) + 1
        place = len(data)
        while (place := data.rfind(newline, 0, place)) >= 0:
            if place % self.width == 0:
                return place + self.width
            place += self.width - 1
        return 0

    def lines(self, data: bytes) -> list[bytes]:
        """The lines of a piece that ends with a newline, as UTF-8 without their ends."""
        if self.encoding != "utf-8":
            data = data.decode(self.encoding, "replace").encode("utf-8", "replace")
        ends = self.newline.encode()
        lines = data.split(ends)
        if lines and not lines[-1]:
            lines.pop()
        return [line.rstrip(b"\r") for line in lines]


def form_of(data: bytes) -> TextForm | None:
    """The form of a file that begins with these bytes; None if too few tell nothing yet."""
    if len(data) < 4 and data[:1] in (b"\xff", b"\xfe", b"\xef", b"\0"):
        return None
    encoding, width, mark = "utf-8", 1, 0
    for bom, name, size in _MARKS:
        if data.startswith(bom):
            encoding, width, mark = name, size, len(bom)
            break
    else:
        head = data[:64]
        if len(head) >= 4 and b"\0" in head:
            if not any(head[1::2]) and all(head[0::2]):
                encoding, width = "utf-16-le", 2
            elif not any(head[0::2]) and all(head[1::2]):
                encoding, width = "utf-16-be", 2
    text = data[: len(data) // width * width].decode(encoding, "replace") if width > 1 else None
    feed = "\n" in text if text is not None else b"\n" in data
    if feed:
        return TextForm(encoding, width, "\n", mark)
    returns = "\r" in text[:-1] if text is not None else b"\r" in data[:-1]
    return TextForm(encoding, width, "\r", mark) if returns else None
