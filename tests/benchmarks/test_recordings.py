"""The terminal of the benchmarks answers every question once, however reads cut it."""

from recordings import Program

ASKED = b"text\x1b[6n\x1b[6nmore\x1b[c\x1b]11;?\x07\x1b[?2026$p\x1b[5n\x1b[6n"
ANSWERS = ["\x1b[1;1R"] * 3 + [
    "\x1b[?62;22c",
    "\x1b]11;rgb:0000/0000/0000\x1b\\",
    "\x1b[?2026;2$y",
    "\x1b[0n",
]


class Asked(Program):
    """A program of which only the answers to it are of interest."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self._forget()

    def _reply(self, answer: str) -> None:
        self.answers.append(answer)


def answers_to(*chunks: bytes) -> list[str]:
    program = Asked()
    for chunk in chunks:
        program._answer(chunk)
    return sorted(program.answers)


def test_a_question_that_a_read_cuts_is_answered_once() -> None:
    assert answers_to(ASKED) == sorted(ANSWERS)
    for at in range(len(ASKED)):
        assert answers_to(ASKED[:at], ASKED[at:]) == sorted(ANSWERS)
    assert answers_to(*(bytes([byte]) for byte in ASKED)) == sorted(ANSWERS)
