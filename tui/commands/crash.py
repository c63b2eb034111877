"""Explains a crash of the app: a traceback in a file, one line for the person."""

import os
import time
import traceback
from pathlib import Path

from platformdirs import user_log_path
from textual.worker import WorkerFailed

_KEPT = 20
"""How many crash files are kept; the oldest are removed."""


def explain(error: BaseException) -> str:
    """Keep the traceback; returns one line: what failed, where the traceback is, what goes on."""
    if isinstance(error, WorkerFailed):
        error = error.error
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"the app crashed ({what:.200}); {_keep(error)}; "
        "runs go on, `bigmodel-tui watch` comes back to them"
    )


def _keep(error: BaseException) -> str:
    """Write the traceback into the user's folder of logs; returns words that say where it is."""
    try:
        folder = user_log_path("bigmodel-tui", appauthor=False)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="replace") as out:
            out.writelines(traceback.format_exception(error))
        _drop_oldest(folder)
    except OSError as trouble:
        return f"its traceback could not be kept ({trouble.strerror})"
    return f"its traceback is in {path}"


def _drop_oldest(folder: Path) -> None:
    for path in sorted(folder.glob("crash-*.txt"))[:-_KEPT]:
        path.unlink(missing_ok=True)
