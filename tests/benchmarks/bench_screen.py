"""How fast and how light the dashboard of the real program is, in a pseudo-terminal of 160x48.

`python tests/benchmarks/bench_screen.py [FOLDER/] [PART ...]` prints a table and asserts nothing.
FOLDER has the programs of other viewers, in an environment of their own; parts are opening, large,
keys, live, delay and link, all of them if none is named.
"""

import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

import numpy as np  # noqa: E402
from biglogs import write_run  # noqa: E402
from links import BYTES_PER_SECOND, PING_SECONDS, SlowProgram  # noqa: E402
from recordings import COLUMNS, ROWS, Program, middle, opening  # noqa: E402
from viewers import all_viewers  # noqa: E402

from support.terminal import COMMAND  # noqa: E402

ROUNDS = 5
MANY = 20
KEYS = "jvjjvjjkvj"
LIVE_SECONDS = 20.0
LIVE_STEPS_PER_SECOND = 50


class Bench:
    """Logs in a folder of its own, and programs that look at them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "runs"
        self.root.mkdir(mode=0o700)
        self.one = ["one"]
        write_run(self.root, "one", 100_000)
        self.many = [f"many-{index:02}" for index in range(MANY)]
        for seed, name in enumerate(self.many):
            write_run(self.root, name, 5000, seed=seed)

    def dashboard(self, *runs: str, cache: str = "", kind: type[Program] = Program) -> Program:
        """Our program on some runs; with an empty cache folder unless one is named."""
        name = cache or tempfile.mkdtemp(dir=self.folder, prefix="cache-")
        places = {"XDG_CACHE_HOME": str(self.folder / name), "XDG_STATE_HOME": str(self.folder)}
        command = (*COMMAND, "watch", *runs, "--runs-dir", str(self.root))
        return kind(*command, cwd=self.folder, environment=places)


def say(work: str, figure: str) -> None:
    print(f"{work:58} {figure}", flush=True)


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def openings(start: Callable[[], Program], rounds: int = ROUNDS) -> str:
    """Medians of some rounds."""
    rows = []
    for _ in range(rounds):
        with start() as program:
            first, settled = opening(program)
            rows.append((first, settled, program.cpu_seconds(), program.peak_megabytes()))
    first, settled, cpu, peak = (middle(column) for column in zip(*rows, strict=True))
    best = min(row[1] for row in rows)
    return (
        f"painted {first:.2f} s, settled {settled:.2f} s (best {best:.2f}), "
        f"{cpu:.2f} s of CPU, peak {peak:.0f} MB; {load()}"
    )


def open_both(bench: Bench) -> None:
    """First painted screen, settled screen and peak memory on both logs."""
    say("1 run x 100,000 steps x 4 metrics", openings(lambda: bench.dashboard(*bench.one)))
    say(f"{MANY} runs x 5,000 overlaid", openings(lambda: bench.dashboard(*bench.many)))


def open_large(bench: Bench, steps: int = 10_000_000) -> None:
    """The second opening of a large run."""
    write_run(bench.root, "large", steps)

    def start() -> Program:
        return bench.dashboard("large", cache="cache-of-large")

    with start() as program:
        first, settled = opening(program, limit=180.0)
        program.record(60.0, quiet=15.0)
        peak = program.peak_megabytes()
        say(
            f"1 run x {steps:,} steps, first opening",
            f"painted {first:.2f} s, settled {settled:.1f} s, peak {peak:.0f} MB; {load()}",
        )
    say(f"1 run x {steps:,} steps, second opening", openings(start))
    (bench.root / "large" / "events.jsonl").unlink()


def press(program: Program, keys: Sequence[str], times: int) -> list[float]:
    """Seconds from each key to the first change of the screen."""
    delays = []
    program.record(1.0)
    for index in range(times):
        sent = program.send(keys[index % len(keys)])
        shown = list(program.show(program.record(2.0, quiet=0.3), sent))
        delays.append(shown[0].seconds if shown else float("inf"))
    return delays


def press_keys(bench: Bench, times: int = 100) -> None:
    """Key to changed screen."""
    with bench.dashboard(*bench.many) as program:
        opening(program)
        delays = [1e3 * delay for delay in press(program, KEYS, times)]
    say_keys(f"key to changed screen, {MANY} runs overlaid", delays)


def say_keys(work: str, delays: list[float]) -> None:
    p50, p99 = np.percentile([min(delay, 1e6) for delay in delays], [50, 99])
    say(work, f"p50 {p50:.0f} ms, p99 {p99:.0f} ms of {len(delays)}; {load()}")


def say_live(work: str, program: Program) -> None:
    rate, share, _ = watch(program, LIVE_SECONDS)
    say(work, f"{rate / 1e3:.2f} kB/s to the terminal, {share:.2f} % of a core; {load()}")


@contextmanager
def training(bench: Bench, name: str, steps_per_second: float) -> Iterator[Callable[[], None]]:
    """A run whose log grows ten times a second, as that of an engine does."""
    from biglogs import Writer

    writer = Writer(bench.root, name, planned=100_000, done=5000)
    ending = threading.Event()

    def work() -> None:
        while not ending.wait(0.1):
            writer.append(max(1, round(steps_per_second / 10)))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield writer.close
    finally:
        ending.set()
        thread.join()
        writer.close()


def watch(program: Program, seconds: float) -> tuple[float, float, int]:
    """Bytes a second, percent of a core, and how many times something was sent."""
    before, began = program.cpu_seconds(), time.perf_counter()
    recording = program.record(seconds)
    took = time.perf_counter() - began
    share = 100 * (program.cpu_seconds() - before) / took
    return recording.bytes / took, share, len(recording.chunks)


def watch_live(bench: Bench) -> None:
    """Bytes and CPU with four live panels, and without anything to do."""
    with training(bench, "live", LIVE_STEPS_PER_SECOND), bench.dashboard("live") as program:
        opening_of_live(program)
        say_live(f"live, {LIVE_STEPS_PER_SECOND} steps/s, 4 panels", program)
    with bench.dashboard(*bench.one) as program:
        opening(program)
        say_live("idle, the run has ended", program)


def opening_of_live(program: Program) -> None:
    for _ in program.show(program.record(4.0), program.began):
        pass


def delay(bench: Bench, times: int = 40) -> None:
    """From the write of an event to the screen that shows its value."""
    from biglogs import Writer

    for name, rest in (("every 0.1 s", 0.1), ("now and then", 1.5)):
        writer = Writer(bench.root, f"delay-{rest}", planned=100_000, done=5000)
        with bench.dashboard(writer.run.id) as program:
            opening_of_live(program)
            delays = _delays(program, writer, times if rest > 1 else 5 * times, rest)
        writer.close()
        p50, p90 = np.percentile(delays, [50, 90])
        say(
            f"engine event to pixel, an event {name}",
            f"p50 {p50:.0f} ms, p90 {p90:.0f} ms of {len(delays)}; {load()}",
        )


def _delays(program: Program, writer: "object", times: int, rest: float) -> list[float]:
    """Milliseconds until the step that an event brings, or a later one, is on the screen."""
    written: list[tuple[float, int]] = []

    def work() -> None:
        for _ in range(times):
            time.sleep(rest)
            step = writer.append(5)
            written.append((time.perf_counter(), step))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    recording = program.record(times * rest + 2.0)
    thread.join()
    shown = [(s.seconds, _step(s.text)) for s in program.show(recording, 0.0)]
    delays = []
    for when, step in written:
        seen = next((seconds for seconds, at in shown if at >= step and seconds >= when), None)
        delays.append(1e3 * (seen - when) if seen else float("inf"))
    return delays


def _step(text: str) -> int:
    """The step in the progress line."""
    import re

    found = re.search(r"step ([\d,]+)/", text)
    return int(found[1].replace(",", "")) if found else 0


def type_slowly(bench: Bench, times: int = 30) -> None:
    """Keys over a slow link while a run is live."""
    with (
        training(bench, "slow", LIVE_STEPS_PER_SECOND),
        bench.dashboard("slow", *bench.many[:3], kind=SlowProgram) as program,
    ):
        for _ in program.show(program.record(12.0), program.began):
            pass
        program.largest_backlog = 0.0
        runs = ["slow", *bench.many[:3]]
        at = next(index for index, run in enumerate(runs) if run in selected(program.text))
        presses, now = [], time.perf_counter()
        for index in range(times):
            now += 0.8 + 0.05 * (index % 9)
            presses.append((program.send_at(now, "j"), runs[(at + 1 + index) % len(runs)]))
        shown = list(program.show(program.record(now + 3 - time.perf_counter()), 0.0))
        delays = [
            next(
                (
                    1e3 * (s.seconds - when)
                    for s in shown
                    if when < s.seconds < when + 2 and run in selected(s.text)
                ),
                math.inf,
            )
            for when, run in presses
        ]
        backlog = program.largest_backlog
    p50, most = np.median(delays), max(delays)
    say(
        f"typing over {BYTES_PER_SECOND / 1e3:.0f} kB/s, ping {1e3 * PING_SECONDS:.0f} ms, live",
        f"p50 {p50:.0f} ms, largest {most:.0f} ms of {times}; "
        f"at most {backlog / 1e3:.1f} kB waited; {load()}",
    )


def selected(text: str) -> str:
    """The run that is marked in the list."""
    return next((line[:12] for line in text.splitlines() if line.startswith(">")), "")


PARTS = {
    "opening": open_both,
    "large": open_large,
    "keys": press_keys,
    "live": watch_live,
    "delay": delay,
    "link": type_slowly,
}


def measure_viewers(bin_folder: Path, folder: Path, chosen: list[str]) -> None:
    """The same work by others, in this run."""
    for viewer in all_viewers(bin_folder, folder):
        if (version := viewer.version()) is None:
            say(viewer.name, "cannot be had here")
            continue
        name = f"{viewer.name} {version}"
        if "opening" in chosen:
            viewer.write("one", "one", 100_000)
            figure = openings(lambda viewer=viewer: viewer.open("one"), 3)
            say(f"{name}: 1 run x 100,000 steps", figure)
        if {"opening", "keys"} & {*chosen}:
            for index in range(MANY):
                viewer.write("many", f"many-{index:02}", 5000)
        if "opening" in chosen:
            figure = openings(lambda viewer=viewer: viewer.open("many"), 3)
            say(f"{name}: {MANY} runs x 5,000, before overlaying", figure)
        if "keys" in chosen:
            with viewer.open("many") as program:
                opening(program, 15.0)
                for _ in range(MANY if viewer.select else 0):
                    for key in viewer.select:
                        program.send(key)
                        program.record(0.3)
                for _ in program.show(program.record(3.0), 0.0):
                    pass
                keys = ["\x1b[B", "\x1b[A"] if viewer.kind == "wandb" else ["\x1b[C", "\x1b[D"]
                delays = [1e3 * delay for delay in press(program, keys, 40)]
            say_keys(f"{name}: key to changed screen, {MANY} runs", delays)
        if "live" in chosen:
            with viewer.writing("live", LIVE_STEPS_PER_SECOND), viewer.open("live") as program:
                opening_of_live(program)
                program.record(5.0)
                say_live(f"{name}: live, {LIVE_STEPS_PER_SECOND} steps/s", program)
            with viewer.open("one" if "opening" in chosen else "live") as program:
                opening(program, 15.0)
                say_live(f"{name}: idle", program)


def main() -> None:
    chosen = [name for name in sys.argv[1:] if name in PARTS] or list(PARTS)
    print(f"{COLUMNS}x{ROWS}, medians of {ROUNDS} rounds")
    with tempfile.TemporaryDirectory(prefix="bench-ui-") as folder:
        bench = Bench(Path(folder))
        for name in chosen:
            PARTS[name](bench)
        if viewers := [Path(given) for given in sys.argv[1:] if "/" in given]:
            measure_viewers(viewers[0].absolute(), bench.folder, chosen)


if __name__ == "__main__":
    main()
