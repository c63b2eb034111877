"""`python -m engine.programs.answer RUN_DIR [--checkpoint NAME]`: a trained model answers what it
is asked, with the judged weights of the newest checkpoint, also while the run trains.

`engine.runs.questions` says what is read and written. It ends when its input does.
"""

import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from msgspec import structs

from engine.games.position import Position
from engine.programs.answers import inputs, kinds
from engine.programs.answers.heard import of_recording
from engine.programs.answers.loaded import LoadedRun
from engine.programs.answers.position_evaluation import of_game
from engine.runs import questions
from engine.runs.questions import Answer, Failed, Input, Question, Ready, Reply
from engine.tasks.players import boards
from presets import UserError

_USAGE = "usage: python -m engine.programs.answer RUN_DIR [--checkpoint NAME]"
_EXAMPLES: dict[Input, str] = {
    "text": "a text",
    "image": "the path of an image file",
    "speech": "the path of an audio file, or the number of a recording of the test set",
}
_ANSWERS: dict[Input, Callable[[LoadedRun, Question], Iterator[Answer]]] = {
    "text": kinds.of_text,
    "image": kinds.of_picture,
    "row": kinds.of_row,
    "speech": of_recording,
    "game": of_game,
}


def ready(loaded: LoadedRun) -> Ready:
    """What the model can be asked. Raises UserError where there is nothing to try."""
    kind = kinds.input_of(loaded)
    task = loaded.info.task
    columns = inputs.columns(loaded) if kind == "row" else []
    height = width = 0
    game, example = "", _EXAMPLES.get(kind, "")
    if kind == "image":
        _, height, width = loaded.info.input_shape
    if kind == "game":
        position: Position = boards.begin(loaded.config.dataset)
        height, width, game = position.rows, position.columns, loaded.config.dataset.name
        legal = position.legal()
        example = f"moves such as {position.name(legal[len(legal) // 2])}"
    return Ready(
        input=kind,
        task=task,
        checkpoint=loaded.checkpoint.name,
        step=loaded.checkpoint.step,
        writes=task == "language",
        columns=columns,
        height=height,
        width=width,
        game=game,
        example=example or ", ".join(f"{name}=..." for name in columns),
    )


def answers(loaded: LoadedRun, question: Question) -> Iterator[Answer]:
    """The answers to a question; what is wrong with it is one, too."""
    try:
        loaded.refresh()
        found = loaded.checkpoint
        for answer in _ANSWERS[kinds.input_of(loaded)](loaded, question):
            yield structs.replace(answer, checkpoint=found.name, step=found.step)
    except (UserError, OSError) as error:
        yield Answer(id=question.id, error=" ".join(str(error).split()))
    except Exception as error:  # of a plug-in's model, or of an input that nobody thought of
        line = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        yield Answer(id=question.id, error=f"the model cannot answer ({line})")


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 2 if the model cannot be asked."""
    torch.set_num_threads(1)
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) not in (1, 3) or (len(given) == 3 and given[1] != "--checkpoint"):
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        loaded = LoadedRun(Path(given[0]), given[2] if len(given) == 3 else "")
        _say(ready(loaded))
    except (UserError, OSError) as error:
        _say(Failed(error=" ".join(str(error).split())))
        return 2
    asked: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    ended = threading.Event()
    threading.Thread(target=_read, args=(asked, ended), daemon=True).start()
    while line := asked.get():
        try:
            question = questions.question(line)
        except UserError as error:
            _say(Answer(id=-1, error=str(error)))
            continue
        for answer in answers(loaded, question):
            _say(answer)
            if asked.qsize() > ended.is_set():
                break  # a newer question ends the answer to this one
    return 0


def _read(asked: "queue.SimpleQueue[bytes]", ended: threading.Event) -> None:
    """Hand over lines, and an empty one at the end. A thread, so that a question is seen while
    another one is answered."""
    for line in sys.stdin.buffer:
        if line.strip():
            asked.put(line)
    ended.set()
    asked.put(b"")


def _say(reply: Reply) -> None:
    sys.stdout.buffer.write(questions.encode(reply))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
