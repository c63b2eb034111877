"""How long 10,000 runs take: the first reading, the list from the index, a filter, and `ls`.

`python tests/benchmarks/bench_runs.py [RUNS]`; prints one table row a figure.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.recorded import record
from tui.app import BigModelApp
from tui.panels.run_table import RunTable
from tui.runs.listing import query
from tui.runs.listing.columns import COLUMNS, sort
from tui.runs.listing.index import Index
from tui.screens.runs import RunsScreen


def make(root: Path, number: int) -> None:
    """A recorded run, and copies of it with another learning rate and seed in the log's start."""
    from engine.runs.events import RunStarted, encode
    from engine.runs.log_reader import read_all
    from engine.runs.run_directory import RunDir

    first = record(root, "run-00000", steps=20)
    started, *rest = read_all(first.events_path)
    assert isinstance(started, RunStarted)
    tail = b"".join(map(encode, rest))
    yaml = first.config_path.read_bytes()
    for index in range(1, number):
        run = RunDir(root / f"run-{index:05}")
        run.path.mkdir()
        run.config_path.write_bytes(yaml)
        optimizer = started.config["optimizer"] | {"lr": 10 ** -(1 + index % 50 / 10)}
        config = started.config | {"optimizer": optimizer, "seed": index}
        changed = RunStarted(
            time=started.time + index,
            config=config,
            device=started.device,
            num_parameters=started.num_parameters,
            planned_steps=started.planned_steps,
            steps_per_epoch=started.steps_per_epoch,
            samples=started.samples,
        )
        run.events_path.write_bytes(encode(changed) + tail)


def say(what: str, seconds: float) -> None:
    print(f"{what:<52}{seconds * 1000:10.0f} ms")


def list_again(root: Path, number: int) -> None:
    """`ls` when the index knows all runs, and when a fifth of them has changed since."""
    from tui.commands import list_runs

    for what, changed in (("nothing", 0), (f"{number // 5}", number // 5)):
        for index in range(changed):
            with open(root / f"run-{index:05}" / "meta.json", "w") as file:
                file.write(f'{{"note": "changed {index}"}}')
        begin = time.perf_counter()
        lines = list_runs.table(list_runs.rows(root))
        assert len(lines) == number + 1
        say(f"ls again, {what} changed", time.perf_counter() - begin)


async def screen(root: Path) -> None:
    app = BigModelApp(root=root)
    async with app.run_test(size=(160, 48)) as pilot:
        await pilot.pause()
        begin = time.perf_counter()
        app.open_runs()
        while not (isinstance(app.screen, RunsScreen) and app.screen.query(RunTable)):
            await asyncio.sleep(0)
        table = app.screen.query_one(RunTable)
        while not table.current or not table.size.height:
            await asyncio.sleep(0.001)
        row = table.render_line(1).text
        assert "adam" in row, row
        say("key r until the list of runs is drawn", time.perf_counter() - begin)


def main(number: int) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        root = Path(folder) / "runs"
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        make(root, number)
        begin = time.perf_counter()
        for _ in Index(root).refresh():
            pass
        say(f"index of {number} runs made anew, in the thread", time.perf_counter() - begin)
        begin = time.perf_counter()
        index = Index(root)
        index.load()
        rows = list(index.rows.values())
        assert len(rows) == number
        age = next(column for column in COLUMNS if column.name == "age")
        sort(rows, age, descending=False)
        say("rows loaded from the index and sorted", time.perf_counter() - begin)
        begin = time.perf_counter()
        for _ in index.refresh():
            pass
        say("look for changes, in the thread", time.perf_counter() - begin)
        wanted = query.parse("optimizer.name=adam lr>=1e-3 val/accuracy>0.9")
        for again in ("first", "again"):
            begin = time.perf_counter()
            found = [row for row in rows if wanted.matches(row)]
            assert found
            say(f"filter by three terms, {again}", time.perf_counter() - begin)
        asyncio.run(screen(root))
        list_again(root, number)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
