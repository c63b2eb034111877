"""What translations, headings and heard words look like on the page of samples."""

import pytest

from engine.runs.events import Output, Outputs, Restarted, Span
from engine.runs.run_directory import RunDir
from support.dashboards import dashboard, running
from support.recorded import extended
from support.seen import text, until, until_shown
from tui.app import BigModelApp
from tui.panels.panel import Panel
from tui.panels.samples.differences import differing, errors

BAD = "[/foo][b]x\x1b]52;c;x\x07\x9b31m\u202e"
SOURCES = [
    ("And God said, Let there be light: and there was light.", "Y dijo Dios: Sea la luz."),
    ("And God saw the light, that it was good.", "Y vio Dios que la luz era buena."),
    ("The Lord is my shepherd; I shall not want.", "Jehová es mi pastor; nada me faltará."),
    ("Jesus wept.", "Y lloró Jesús."),
]
MADE = {
    100: ["Y Dios Dios Dios", "Y la la la", "El Señor es mi", "Y Jesús"],
    200: ["Y dijo Dios: Sea luz.", "Y vio Dios la luz", "Jehová es mi pastor", "Lloró Jesús."],
    300: [reference for _, reference in SOURCES[:3]] + ["Y Jesús lloró."],
}
FRAMES = 60
SOUND = [[(band * 9 + frame * 5) % 256 for frame in range(FRAMES)] for band in range(40)]


def translated(step: int) -> Outputs:
    samples = [
        Output(source=source, reference=reference, output=made)
        for (source, reference), made in zip(SOURCES, MADE[step], strict=True)
    ]
    return Outputs(split="val", step=step, samples=samples)


def heard(step: int) -> Outputs:
    spans = [Span(text="three", begin=5, end=20), Span(text="nine", begin=38, end=52)]
    sample = Output(
        source="", reference="three five", output="three nine", spectrogram=SOUND, spans=spans
    )
    return Outputs(split="val", step=step, samples=[sample] * 3)


@pytest.fixture
def translation(terminal_environment: None) -> RunDir:
    return extended("r-translation", *map(translated, MADE), task="translation")


@pytest.fixture
def speech(terminal_environment: None) -> RunDir:
    return extended("r-speech", heard(100), task="speech")


def body(app: BigModelApp) -> str:
    return "\n".join(strip.text for strip in app.screen.query_one("#samples", Panel)._strips)


def test_words_without_a_partner_differ() -> None:
    expected, given = differing("the light was good", "the dark light was")
    assert [word for word, wrong in expected if wrong] == ["good"]
    assert [word for word, wrong in given if wrong] == ["dark"]
    assert errors("a b c", "a b c") == 0
    assert errors("a b c", "") == 3
    assert errors("", "a b") == 2


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
@pytest.mark.parametrize("kind", ["translation", "speech"])
def test_picture(kind: str, size, request: pytest.FixtureRequest, snap_compare) -> None:
    run = request.getfixturevalue(kind)

    async def settled(pilot) -> None:
        await until_shown(pilot, "100%")
        await pilot.press("3")
        await until_shown(pilot, "reference")
        await until(pilot, lambda: not pilot.app.screen.stale)
        await pilot.pause()

    assert snap_compare(dashboard(run), terminal_size=size, run_before=settled)


async def test_one_sees_the_same_sentence_at_earlier_evaluations(translation: RunDir) -> None:
    app = dashboard(translation)
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("3")
        await until_shown(pilot, "step 300: 3 of 4 right, 1 of 3, Page Down: earlier")
        await pilot.press(*["down"] * 4)  # to the second sentence
        assert "Let there be light" not in body(app)
        await pilot.press("pagedown")
        assert "step 200: 0 of 4" in body(app)
        assert body(app).splitlines()[3].strip() == "output  3 off  Y vio Dios la luz"
        await pilot.press("end")
        assert "Y la la la" in body(app).splitlines()[3]
        await pilot.press("home")
        assert "ok  Y vio Dios que la luz era buena." in body(app)


async def test_every_line_can_be_reached_and_the_end_stays_in_sight(translation: RunDir) -> None:
    app = dashboard(translation)
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("3")
        await until_shown(pilot, "reference")
        await pilot.press(*["down"] * 40)
        assert "Y Jesús lloró." in body(app)
        await pilot.press(*["up"] * 40)
        assert "Let there be light" in body(app)


async def test_differences_are_seen_without_colours(
    translation: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = dashboard(translation)
    async with running(app, (80, 24)) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("3")
        await until_shown(pilot, "Y [Jesús] [lloró.]")
        assert "Y {lloró} {Jesús.}" in text(app)


async def test_what_was_heard_stands_under_the_spectrogram(speech: RunDir) -> None:
    app = dashboard(speech)
    async with running(app) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("3")
        await until_shown(pilot, "heard")
        (line,) = [line for line in body(app).splitlines() if "heard" in line][:1]
        begin = len("    heard  ")
        assert line.index("‹") == begin + 10  # two cells a frame
        assert line.index("nine") > begin + 2 * 38
        assert "1 off  three nine" in body(app)


async def test_text_of_another_run_is_cleaned(terminal_environment: None) -> None:
    spans = [Span(text=BAD, begin=0, end=9)]
    sample = Output(source=BAD, reference=BAD, output=BAD, spectrogram=SOUND, spans=spans)
    app = dashboard(extended("r-bad", Outputs(split="test", step=6, samples=[sample])))
    async with running(app) as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("3")
        await until_shown(pilot, "[/foo][b]x")
        assert not set("\x1b\x07\x9b\u202e") & set(text(app))


async def test_a_restart_takes_back_what_was_made_after_it(terminal_environment: None) -> None:
    again = Restarted(step=4, checkpoint="", attempt=1, reason="resume")
    early = Outputs(split="val", step=2, samples=translated(100).samples)
    late = Outputs(split="val", step=6, samples=translated(300).samples)
    app = dashboard(extended("r-again", early, late, again, status=None))
    async with running(app) as pilot:
        await until_shown(pilot, "after step 4")
        await pilot.press("3")
        await until_shown(pilot, "step 2: 0 of 4")
