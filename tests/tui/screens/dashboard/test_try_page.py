"""The page on which a trained model is used, with a process that answers as told."""

from pathlib import Path

import pytest

from engine.runs.questions import Answer, Choice, Position, Question, Ready
from presets import UserError
from support.dashboards import dashboard, running
from support.recorded import record
from support.seen import text, until, until_shown
from tui.panels.panel import Panel
from tui.screens.dashboard.pages import trying

BAD = "[/foo][b]x\x1b]52;c;x\x07\x9b31m\u202e"
IMAGE = Ready(
    input="image",
    task="classification",
    checkpoint="step-6",
    step=6,
    height=8,
    width=8,
    example="the path of an image file",
)
TEXT = Ready(input="text", task="classification", checkpoint="step-6", step=6, example="a text")
WRITES = Ready(
    input="text", task="language", checkpoint="step-6", step=6, writes=True, example="a text"
)
GAME = Ready(
    input="game",
    task="self-play",
    checkpoint="step-6",
    step=6,
    game="connect-four",
    height=6,
    width=7,
    example="moves",
)


class Scripted:
    """A respondent without a process."""

    ready_as: Ready | str = TEXT
    made: list["Scripted"] = []

    def __init__(self, run, checkpoint: str = "") -> None:
        import queue

        self.asked: list[Question] = []
        self.closed = False
        self._answers: queue.Queue[Answer | None] = queue.Queue()
        Scripted.made.append(self)

    def ready(self) -> Ready:
        if isinstance(self.ready_as, str):
            raise UserError(self.ready_as)
        return self.ready_as

    def send(self, question: Question) -> None:
        self.asked.append(question)

    def answer(self, **fields: object) -> None:
        given = {"id": self.asked[-1].id, "checkpoint": "step-6", "step": 6} | fields
        self._answers.put(Answer(**given))

    def receive(self) -> Answer:
        found = self._answers.get()
        if found is None:
            raise UserError("the answering process ended")
        return found

    def close(self) -> None:
        self.closed = True
        self._answers.put(None)


@pytest.fixture
def scripted(terminal_environment: None, monkeypatch: pytest.MonkeyPatch):
    def as_ready(ready: Ready | str) -> list[Scripted]:
        Scripted.ready_as, Scripted.made = ready, []
        monkeypatch.setattr(trying, "Respondent", Scripted)
        return Scripted.made

    return as_ready


def runs(number: int = 1):
    return [record(Path("runs"), f"r-{place}", seed=place) for place in range(number)]


async def opened(pilot, words: str) -> None:
    await until_shown(pilot, "100%")
    await pilot.press("7")
    await until_shown(pilot, words)


def position(*moves: int) -> Position:
    cells = [0] * 42
    for place, move in enumerate(moves):
        cells[35 + move] = 1 if place % 2 == 0 else -1
    return Position(
        cells=cells,
        to_move=1 if len(moves) % 2 == 0 else -1,
        legal=list(range(7)),
        places=[35 + move if move not in moves else 28 + move for move in range(7)],
        names=[f"column {move + 1}" for move in range(7)],
        shares=[0.05] * 3 + [0.7] + [0.05] * 3,
        value=0.25,
        best=3,
        winner=None,
        history=[],
    )


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
async def test_a_text_is_judged_while_it_is_typed(scripted, size) -> None:
    made = scripted(TEXT)
    app = dashboard(*runs())
    async with running(app, size) as pilot:
        await opened(pilot, "asks for a text")
        await pilot.press(*"not bad")
        await until(pilot, lambda: made[0].asked and made[0].asked[-1].text == "not bad")
        choices = [Choice(text="positive", share=0.9), Choice(text=BAD, share=0.1)]
        words = [Choice(text="not", share=-0.3), Choice(text="bad", share=0.4)]
        made[0].answer(text="positive", choices=choices, words=words)
        await until_shown(pilot, "90.0%")
        assert "not-0.30 bad+0.40" in text(app)
        assert not set("\x1b\x07\x9b\u202e") & set(text(app))
        made[0].answer(id=1, text="old", choices=[Choice(text="too old", share=1.0)])
        await pilot.pause(0.1)
        assert "too old" not in text(app)
        await pilot.press("escape", "1")
        await until_shown(pilot, "Gradient norm")
        assert made[0].closed


async def test_two_runs_answer_side_by_side(scripted) -> None:
    made = scripted(WRITES)
    app = dashboard(*runs(2))
    async with running(app) as pilot:
        await opened(pilot, "asks for a text")
        await pilot.press(*"And", "enter")
        await until(pilot, lambda: all(each.asked for each in made))
        assert [each.asked[-1].text for each in made] == ["And", "And"]
        made[0].answer(text=" it was so", done=False)
        made[1].answer(text=" he said")
        await until_shown(pilot, "it was so")
        await until_shown(pilot, "he said")
        await pilot.press("f3", "f5")
        await until(pilot, lambda: made[0].asked[-1].length == 250)
        assert made[0].asked[-1].temperature == 0.9
        await until_shown(pilot, "temperature 0.9, 250 symbols")
    assert all(each.closed for each in made)


async def test_a_digit_is_drawn_with_keys_and_with_the_mouse(scripted) -> None:
    made = scripted(IMAGE)
    app = dashboard(*runs())
    async with running(app) as pilot:
        await opened(pilot, "draw with the mouse")
        await pilot.press("right", "down", "space")
        await until(pilot, lambda: made[0].asked and made[0].asked[-1].pixels[1][1] == 255)
        made[0].answer(text="1", choices=[Choice(text="1", share=0.75)])
        await until_shown(pilot, "75.0%")
        await pilot.mouse_down("#hand", offset=(1 + 2 * 4, 1 + 2))
        await pilot.hover("#hand", offset=(1 + 2 * 5, 1 + 2))
        await pilot.mouse_up("#hand", offset=(1 + 2 * 5, 1 + 2))
        await until(pilot, lambda: made[0].asked[-1].pixels[2][4] == 255)
        await pilot.press("x", "space")
        await until(pilot, lambda: sum(map(sum, made[0].asked[-1].pixels)) == 255)


async def test_a_game_is_played_and_the_model_answers(scripted) -> None:
    made = scripted(GAME)
    app = dashboard(*runs())
    async with running(app, (80, 24)) as pilot:
        await opened(pilot, "the board comes with the model")
        await until(pilot, lambda: made[0].asked)
        made[0].answer(position=position())
        await until_shown(pilot, "to move, the model would play column 4")
        await pilot.press("right", "enter")  # a stone falls in the second column
        await until(pilot, lambda: made[0].asked[-1].moves == [1])
        made[0].answer(position=position(1))
        await until(pilot, lambda: made[0].asked[-1].moves == [1, 3])
        made[0].answer(position=position(1, 3))
        await until_shown(pilot, "○")
        await pilot.press("backspace")
        await until(pilot, lambda: made[0].asked[-1].moves == [1])
        await pilot.press("x")
        await until(pilot, lambda: made[0].asked[-1].moves == [])


async def test_what_cannot_be_asked_says_why(scripted) -> None:
    scripted("r-0: no checkpoint yet")
    app = dashboard(*runs())
    async with running(app) as pilot:
        await opened(pilot, "no checkpoint yet")
        assert app.screen.query_one("#answer-0", Panel).display
