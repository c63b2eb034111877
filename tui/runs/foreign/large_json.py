"""Read a large JSON object piece by piece."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

PIECE_CHARACTERS = 2**16
MAX_VALUE_CHARACTERS = 2**20
"""Maximum length of a value; a longer one is taken for damage."""
_AFTER_VALUE = ",]}: \t\r\n"
_decode = json.JSONDecoder().raw_decode

Part = tuple[str, Any]


class DocumentError(ValueError):
    """A text that is not a JSON object, or ends too early."""


class Document:
    """A JSON object that is read piece by piece, its `log_history` entry by entry.

    No library that streams JSON accepts the NaN that Python writes for a loss; the standard
    library's decoder does, and can start anywhere in a text.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._text = ""
        self._place = 0
        self._ended = False

    def parts(self) -> Iterator[Part]:
        """Each key with its value; for `log_history`, the key with each entry of the list.

        Raises DocumentError, and OSError.
        """
        self._expect("{")
        while self._peek() != "}":
            key = self._value()
            self._expect(":")
            if key == "log_history" and self._peek() == "[":
                self._expect("[")
                while self._peek() != "]":
                    yield key, self._value()
                    self._skip(",")
                self._expect("]")
            else:
                yield str(key), self._value()
            self._skip(",")

    def _more(self) -> None:
        data = self._file.read(PIECE_CHARACTERS)
        self._ended = not data
        self._text = self._text[self._place :] + data.decode("utf-8", "replace")
        self._place = 0

    def _peek(self) -> str:
        """The next character that is not white space."""
        while True:
            while self._place < len(self._text):
                if not self._text[self._place].isspace():
                    return self._text[self._place]
                self._place += 1
            if self._ended:
                raise DocumentError("it ends too early")
            self._more()

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise DocumentError(f"expected {character}")
        self._place += 1

    def _skip(self, character: str) -> None:
        if self._peek() == character:
            self._place += 1

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = _decode(self._text, self._place)
            except (ValueError, RecursionError):
                end = len(self._text)
            # At the end of a piece a number may be cut: `1` of `1e-5`.
            if end < len(self._text) and self._text[end] in _AFTER_VALUE:
                self._place = end
                return value
            if self._ended or len(self._text) - self._place > MAX_VALUE_CHARACTERS:
                raise DocumentError("not a JSON value")
            self._more()
