"""A process in which a trained model answers questions, as the screen and `try` speak to it."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress

from engine.runs import questions, start_process
from engine.runs.questions import Answer, Failed, Question, Ready
from engine.runs.run_directory import RunDir
from presets import UserError

_GRACE = 1.0
"""Seconds that the process has to end by itself."""
_GONE = "the answering process ended; python -m engine.programs.answer {path} says why"


class Respondent:
    """The model of one run. All methods but `send` and `close` wait; call them in a thread.

    The process reads the run and never writes there. It ends with `close`, or when this process
    ends, since its input does.
    """

    def __init__(self, run: RunDir, checkpoint: str = "") -> None:
        self.run = run
        arguments = [str(run.path.absolute())]
        if checkpoint:
            arguments += ["--checkpoint", checkpoint]
        self._process: subprocess.Popen[bytes] = start_process.ask(
            "engine.programs.answer", *arguments
        )
        self._writing = threading.Lock()

    def ready(self) -> Ready:
        """What it can be asked, once its model is loaded. Raises UserError, in one line, if it
        cannot be asked."""
        reply = self._read()
        if isinstance(reply, Failed):
            self.close()
            raise UserError(reply.error)
        if not isinstance(reply, Ready):
            raise UserError(_GONE.format(path=self.run.path))
        return reply

    def send(self, question: Question) -> None:
        """Ask; a newer question ends the answer to an older one. Raises UserError if the process
        is gone."""
        assert self._process.stdin is not None
        try:
            with self._writing:
                self._process.stdin.write(questions.encode(question))
                self._process.stdin.flush()
        except (OSError, ValueError):
            raise UserError(_GONE.format(path=self.run.path)) from None

    def receive(self) -> Answer:
        """The next answer, or part of one. Raises UserError when the process is gone."""
        reply = self._read()
        if not isinstance(reply, Answer):
            raise UserError(_GONE.format(path=self.run.path))
        return reply

    def ask(self, question: Question) -> Iterator[Answer]:
        """Ask, and give all parts of the answer, the last one `done`. Raises UserError."""
        self.send(question)
        while True:
            answer = self.receive()
            if answer.id != question.id:
                continue
            yield answer
            if answer.done:
                return

    def close(self) -> None:
        """End the process and wait for it: no zombie is left."""
        with suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            with suppress(OSError, ValueError):
                self._process.stdout.close()

    def _read(self) -> questions.Reply:
        assert self._process.stdout is not None
        try:
            line = self._process.stdout.readline()
        except (OSError, ValueError):  # closed meanwhile
            line = b""
        if not line.endswith(b"\n"):
            raise UserError(_GONE.format(path=self.run.path))
        return questions.reply(line)
