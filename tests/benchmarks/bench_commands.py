"""How long very many commands to a run take: in its log, and in its control folder.

`python tests/benchmarks/bench_commands.py [COMMANDS]`; prints one table row a figure.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine.runs.control import Inbox
from engine.runs.events import CommandAnswered, encode
from engine.runs.run_directory import RunDir
from engine.training.steering.earlier_commands import Past
from support.recorded import record
from tui.runs import loading


def answer(run: RunDir, number: int) -> None:
    """What a log says of so many commands that were accepted and applied."""
    with run.events_path.open("ab") as file:
        for index in range(number):
            for outcome in ("accepted", "applied"):
                event = CommandAnswered(
                    id=f"{index:032x}",
                    command="set",
                    arguments={"lr": 1e-3 + index * 1e-9},
                    outcome=outcome,  # type: ignore[arg-type]
                    step=20,
                    reason="learning rate 0.001",
                )
                file.write(encode(event))


def flood(run: RunDir, number: int) -> None:
    """Leave so many commands in the control folder."""
    run.control_path.mkdir(exist_ok=True)
    for index in range(number):
        path = run.control_path / f"{10**18 + index}-{index:032x}.json"
        path.write_bytes(b'{"id":"%032x","command":"set","arguments":{"lr":0.001}}' % index)


def timed(what: str, do: Callable[[], object]) -> None:
    begin = time.perf_counter()
    do()
    say(what, time.perf_counter() - begin)


def say(what: str, seconds: float) -> None:
    print(f"{what:<52}{seconds * 1000:10.0f} ms", flush=True)


def take_all(run: RunDir, number: int) -> None:
    """Take all commands as an engine does between its steps."""
    inbox, taken, longest, begin = Inbox(run, 0.0), 0, 0.0, time.perf_counter()
    while taken < number:
        before = time.perf_counter()
        taken += len(inbox.take())
        longest = max(longest, time.perf_counter() - before)
    say("the folder, the longest that a step waits for it", longest)
    say("the folder, all of it", time.perf_counter() - begin)


def main(number: int) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        run = record(Path(folder) / "runs", "run", steps=20)
        answer(run, number)
        timed(f"a log with {number} commands, loaded", lambda: loading.load(run))
        known = [f"{index:032x}" for index in range(number)]
        timed("the same by an engine that resumes", lambda: Past(run).applied_after(known))
        flood(run, number)
        take_all(run, number)
        timed("an engine that resumes, with these files", lambda: Past(run))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
