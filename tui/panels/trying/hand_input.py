"""What a person draws or plays by hand: a picture of grey pixels, a move on a board."""

from collections.abc import Sequence

from rich.text import Text
from textual.events import Click, MouseDown, MouseMove, MouseUp
from textual.message import Message

from engine.runs.questions import Position, Ready
from tui.panels.keys import Key, bindings, together
from tui.panels.samples.games import looks
from tui.panels.trying.try_view import Trying, TryingPanel
from tui.plots import board, heat
from tui.text import number

_STROKE, _BESIDE = 255, 110
"""The grey of a drawn pixel, and of those beside it on a fine picture."""
_FINE = 16
"""Pixels in a row from which on a stroke is wider than one."""


class HandPanel(TryingPanel):
    """A picture that is drawn with the mouse or with keys, or the board of a game."""

    HEADING = "By hand"
    KEYS = (
        together(
            Key("left", "step(-1, 0)", "Left"),
            Key("right", "step(1, 0)", "Right"),
            Key("up,k", "step(0, -1)", "Up"),
            Key("down,j", "step(0, 1)", "Down"),
            does="on a drawing or a board: move the cursor",
            shown="Left, Right, Up, Down",
        ),
        Key("space,enter", "touch", "Draw/play", "draw or erase a pixel; play a move", footer=True),
        Key("x,delete", "clear", "Clear", "clear the drawing; begin the game anew", footer=True),
        Key("backspace", "undo", "Undo", "take the last move back"),
        Key("o", "other", "Model plays", "let the model make this move", footer=True),
    )
    BINDINGS = bindings(KEYS)

    class Drawn(Message):
        """A person drew something."""

        def __init__(self, pixels: list[list[int]]) -> None:
            super().__init__()
            self.pixels = pixels

    class Played(Message):
        """A person made a move, or took some back: all moves until now."""

        def __init__(self, moves: list[int], *, answers: bool) -> None:
            super().__init__()
            self.moves = moves
            self.answers = answers
            """Whether the model is to move next."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._pixels: list[list[int]] = []
        self._x = self._y = 0
        self._pressed = False

    def heading(self, view: Trying) -> Text:
        ready = _ready(view)
        if ready is None:
            return Text()
        game = "click or arrows and Space play, o lets the model move, x begins anew"
        drawing = "draw with the mouse, or arrows and Space; x clears"
        words = game if ready.input == "game" else drawing
        return Text(words, style=self.color("plot-ink"))

    def body(self, view: Trying, width: int, height: int) -> Sequence[Text]:
        ready = _ready(view)
        if ready is None or not ready.width:
            return []
        if ready.input == "game":
            return self._board(view, ready)
        self._fit(ready)
        if self._tall(ready):
            return [self._pixel_line(y) for y in range(ready.height)]
        return [self._half_line(y) for y in range(0, ready.height, 2)]

    def _tall(self, ready: Ready) -> bool:
        """Whether a pixel is a whole line and two cells wide."""
        return ready.height <= self.size.height - 1 and 2 * ready.width < self.size.width

    def _fit(self, ready: Ready) -> None:
        if len(self._pixels) != ready.height or len(self._pixels[0]) != ready.width:
            self._pixels = [[0] * ready.width for _ in range(ready.height)]

    def _pixel_line(self, y: int) -> Text:
        line = Text(" ", end="")
        for x, value in enumerate(self._pixels[y]):
            here = (x, y) == (self._x, self._y) and self.has_focus
            if self.plain or self.colorless:
                line.append("[]" if here else heat.grey_letter(value / 255).replace(" ", ".") * 2)
            else:
                ink = self.color("accent" if value < 128 else "background")
                line.append("[]" if here else "  ", style=f"{ink} on {heat.grey(value)}")
        return line

    def _half_line(self, y: int) -> Text:
        line = Text(" ", end="")
        below = self._pixels[y + 1] if y + 1 < len(self._pixels) else [0] * len(self._pixels[y])
        for x, (upper, lower) in enumerate(zip(self._pixels[y], below, strict=True)):
            here = self.has_focus and x == self._x and self._y in (y, y + 1)
            if self.plain or self.colorless:
                grey = heat.grey_letter((upper + lower) / 510).replace(" ", ".")
                line.append("@" if here else grey)
            else:
                top = self.color("accent") if here and self._y == y else heat.grey(upper)
                bottom = self.color("accent") if here and self._y > y else heat.grey(lower)
                line.append("▀", style=f"{top} on {bottom}")
        return line

    def _board(self, view: Trying, ready: Ready) -> list[Text]:
        position = _position(view)
        if position is None:
            return [Text(" the board comes with the model", style=self.color("plot-ink"))]
        shares = dict(zip(position.places, position.shares, strict=True))
        self._x, self._y = min(self._x, ready.width - 1), min(self._y, ready.height - 1)
        cursor = self._y * ready.width + self._x if self.has_focus else None
        shown = board.Board(cells=position.cells, columns=ready.width, shares=shares, cursor=cursor)
        lines = [Text(" ", end="").append_text(line) for line in board.lines(shown, looks(self))]
        stones = board.ASCII_STONES if self.plain else board.STONES
        side = stones[position.to_move]
        best = next(
            (n for m, n in zip(position.legal, position.names, strict=True) if m == position.best),
            "",
        )
        told = f" {side} to move, the model would play {best}, value {number(position.value, 2)}"
        if position.winner is not None:
            told = " the game is over; x begins anew"
        return [*lines, Text(told, style=self.color("plot-ink"))]

    def action_step(self, right: int, down: int) -> None:
        """Move the cursor."""
        ready = _ready(self._view)
        if ready is not None and ready.width:
            self._x = max(0, min(ready.width - 1, self._x + right))
            self._y = max(0, min(ready.height - 1, self._y + down))
            self._redraw()

    def action_touch(self) -> None:
        """Draw or erase the pixel at the cursor, or play there."""
        ready = _ready(self._view)
        if ready is None:
            return
        if ready.input == "game":
            self._play(self._y * ready.width + self._x)
        else:
            self._fit(ready)
            self._draw(self._x, self._y, 0 if self._pixels[self._y][self._x] else _STROKE)

    def action_clear(self) -> None:
        """An empty picture, or a new game."""
        ready = _ready(self._view)
        if ready is None:
            return
        if ready.input == "game":
            self.post_message(self.Played([], answers=False))
            return
        self._pixels = []
        self._fit(ready)
        self._redraw()

    def action_undo(self) -> None:
        """Take back the last move."""
        if self._view is not None and self._view.moves:
            self.post_message(self.Played(self._view.moves[:-1], answers=False))

    def action_other(self) -> None:
        """Let the model move."""
        position = _position(self._view)
        if self._view is not None and position is not None and position.best is not None:
            moves = [*self._view.moves, position.best]
            self.post_message(self.Played(moves, answers=False))

    def on_mouse_down(self, event: MouseDown) -> None:
        """Begin a stroke."""
        ready = _ready(self._view)
        if ready is not None and ready.input == "image" and self._move_to(event, ready):
            self._pressed = True
            self.capture_mouse()
            self._draw(self._x, self._y, _STROKE)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Draw on."""
        ready = _ready(self._view)
        if self._pressed and ready is not None and self._move_to(event, ready):
            self._draw(self._x, self._y, _STROKE)

    def on_mouse_up(self, event: MouseUp) -> None:
        """End a stroke."""
        if self._pressed:
            self._pressed = False
            self.release_mouse()

    def on_click(self, event: Click) -> None:
        """Play where the click was."""
        ready = _ready(self._view)
        if ready is not None and ready.input == "game" and self._move_to(event, ready):
            self._play(self._y * ready.width + self._x)

    def _move_to(self, event: MouseDown | MouseMove | Click, ready: Ready) -> bool:
        """Put the cursor under the pointer; False where that is outside."""
        if ready.input == "game":
            x, y = (event.x - 1) // board.CELL, event.y - 1
        elif self._tall(ready):
            x, y = (event.x - 1) // 2, event.y - 1
        else:
            x, y = event.x - 1, 2 * (event.y - 1)
        if not (0 <= x < ready.width and 0 <= y < ready.height):
            return False
        self._x, self._y = x, y
        return True

    def _draw(self, x: int, y: int, value: int) -> None:
        self._pixels[y][x] = value
        if len(self._pixels) >= _FINE and value:
            for nx, ny in ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)):
                if 0 <= nx < len(self._pixels[0]) and 0 <= ny < len(self._pixels):
                    self._pixels[ny][nx] = max(self._pixels[ny][nx], _BESIDE)
        self._redraw()
        self.post_message(self.Drawn([list(row) for row in self._pixels]))

    def _play(self, cell: int) -> None:
        """Make the move whose stone comes to lie in this cell, or, where stones fall, in its
        column."""
        position, ready = _position(self._view), _ready(self._view)
        if position is None or ready is None or self._view is None:
            return
        places = dict(zip(position.places, position.legal, strict=True))
        move = places.get(cell)
        if move is None and ready.game == "connect-four":
            column = cell % ready.width
            move = next((m for p, m in places.items() if p % ready.width == column), None)
        if move is None:
            self.app.bell()
            return
        self.post_message(self.Played([*self._view.moves, move], answers=True))


def _ready(view: Trying | None) -> Ready | None:
    return view.asked[0].ready if view is not None and view.asked else None


def _position(view: Trying | None) -> Position | None:
    answer = view.asked[0].answer if view is not None and view.asked else None
    return answer.position if answer is not None else None
