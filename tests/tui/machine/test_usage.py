"""How busy the machine is: what is measured, with a stand-in for NVML, and the page for it."""

import os
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from engine.runs.run_directory import Lock, RunDir
from engine.runs.signs_of_life import identity
from support.recorded import record
from support.seen import text, until, until_shown
from tui.app import BigModelApp
from tui.machine import usage
from tui.machine.gpus import Gpu, Gpus
from tui.machine.usage import Sampler
from tui.plots import bars
from tui.screens.dashboard.pages.system import SystemPage


class FakeNvml:
    """Two GPUs, of which the second one says little; `pynvml` as far as it is used."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, driver: bool = True, count: int = 2) -> None:
        self.driver, self.count, self.on = driver, count, False

    def nvmlInit(self) -> None:  # noqa: N802
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")
        self.on = True

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.on = False

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> bytes | str:  # noqa: N802
        return "NVIDIA H100 \x1b[31m80GB" if handle == 0 else b"NVIDIA Old"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(used=20_000_000_000, total=80_000_000_000)

    def _only_first(self, handle: int, value: object) -> object:
        if handle:
            raise self.NVMLError("Not Supported")
        return value

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> object:  # noqa: N802
        return self._only_first(handle, SimpleNamespace(gpu=87, memory=40))

    def nvmlDeviceGetPowerUsage(self, handle: int) -> object:  # noqa: N802
        return self._only_first(handle, 512_000)

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: int) -> object:  # noqa: N802
        return self._only_first(handle, 700_000)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> object:  # noqa: N802
        return self._only_first(handle, 61)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> object:  # noqa: N802
        ours = SimpleNamespace(pid=os.getpid(), usedGpuMemory=5_000_000_000)
        return [ours, SimpleNamespace(pid=1, usedGpuMemory=7)] if handle == 0 else []


def test_every_gpu_says_what_it_can() -> None:
    nvml = FakeNvml()
    gpus = Gpus(nvml)
    found, problem = gpus.read(os.getpid())
    assert problem == ""
    assert found == (
        Gpu(
            index=0,
            name="NVIDIA H100 \x1b[31m80GB",
            busy=0.87,
            memory_used=20_000_000_000,
            memory_total=80_000_000_000,
            watts=512.0,
            watts_limit=700.0,
            celsius=61,
            engine_memory=5_000_000_000,
        ),
        Gpu(index=1, name="NVIDIA Old", memory_used=20_000_000_000, memory_total=80_000_000_000),
    )
    assert gpus.read(None)[0][0].engine_memory is None
    assert nvml.on
    gpus.close()
    assert not nvml.on


def test_a_machine_without_a_driver_says_so() -> None:
    gpus = Gpus(FakeNvml(driver=False))
    assert gpus.read(None) == ((), "no NVIDIA driver (Driver Not Loaded); nvidia-smi says more")
    gpus.close()  # nothing to let go of


def test_without_the_library_the_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    (found, problem) = Gpus().read(None)
    assert found == ()
    assert problem == "to see NVIDIA GPUs: pip install 'bigmodel-tui[gpu]'"


def test_a_gpu_that_falls_off_the_bus_is_one_line() -> None:
    nvml = FakeNvml()

    def lost(index: int) -> int:
        raise nvml.NVMLError("GPU is lost")

    nvml.nvmlDeviceGetHandleByIndex = lost  # type: ignore[method-assign]
    (first, _), problem = Gpus(nvml).read(None)
    assert problem == ""
    assert first.name == "cannot be read (GPU is lost)"


def test_the_share_of_a_core_is_what_it_did_between_two_looks() -> None:
    before = [{"user": 10.0, "idle": 5.0, "guest": 3.0}, {"user": 0.0, "idle": 0.0, "guest": 0.0}]
    now = [{"user": 13.0, "idle": 6.0, "guest": 6.0}, {"user": 0.0, "idle": 0.0, "guest": 0.0}]
    assert usage.shares(before, now) == (0.75, 0.0)
    backwards = [{"user": 0.0, "idle": 1.0}]  # clocks of virtual machines do that
    assert usage.shares([{"user": 5.0, "idle": 1.0}], backwards) == (0.0,)


def test_a_sample_of_this_machine(tmp_path: Path) -> None:
    run = record(tmp_path / "runs", "r", status=None)
    lock = Lock(run)
    try:
        sampler = Sampler(Gpus(FakeNvml()))
        first, second = sampler.sample(run), sampler.sample(run)
    finally:
        lock.release()
        sampler.close()
    assert first.engine is not None
    assert first.engine.cores is None
    assert second.engine is not None
    assert second.engine.cores is not None
    assert second.engine.pid == os.getpid()
    assert second.engine.memory > 1_000_000
    assert second.time > first.time
    assert len(second.cores) == os.cpu_count()
    assert all(0 <= share <= 1 for share in (*second.cores, second.busy))
    assert 0 < second.memory_used <= second.memory_total
    assert 0 < second.disk_used <= second.disk_total
    assert len(second.gpus) == 2


def held_by(run: RunDir, **changes: object) -> RunDir:
    """As if another process had held it."""
    holder = msgspec.structs.replace(identity.own(), **changes)
    run.lock_path.write_bytes(identity.encode(holder))
    return run


def test_where_the_engine_is_decides_what_can_be_seen(tmp_path: Path) -> None:
    run = record(tmp_path / "runs", "r", status=None)
    here = socket.gethostname()
    assert usage.engine_pid(run) == (None, "no engine has begun with it")
    assert usage.engine_pid(held_by(run)) == (os.getpid(), "")
    assert usage.engine_pid(held_by(run, began=1)) == (None, "its engine has ended")
    far = f"its engine is on gpu-box; this page is about {here}"
    assert usage.engine_pid(held_by(run, host="gpu-box", boot="other")) == (None, far)
    assert usage.engine_pid(held_by(run, host="gpu-box")) == (None, far)  # another container
    restarted = "its engine ran before this machine was restarted"
    assert usage.engine_pid(held_by(run, boot="other")) == (None, restarted)


# Bars.


def test_bars_fill_with_the_share() -> None:
    assert bars.bar(0.5, 4, ascii_only=True) == "##.."
    assert bars.bar(2.0, 4, ascii_only=False) == "████"
    assert bars.bar(-1.0, 4, ascii_only=False) == "░░░░"
    assert [bars.column(share, ascii_only=False) for share in (0, 0.5, 1)] == ["▁", "▅", "█"]


def test_the_past_is_drawn_from_the_right() -> None:
    assert bars.past([0, 4, None, 8], 8, 6, 1, ascii_only=False) == ["  ▁▄ █"]
    assert bars.past([0, 4, None, 8], 8, 6, 2, ascii_only=False) == ["     █", "  ▁█ █"]
    assert bars.past([1, 2, 3], 2, 2, 1, ascii_only=True) == ["##"]
    assert bars.past([1], 0, 3, 1, ascii_only=True) == ["  _"]
    assert bars.past([], 1, 3, 2, ascii_only=False) == ["   ", "   "]


# The page.


def running(run: RunDir, size: tuple[int, int] = (160, 48)):
    app = BigModelApp(root=Path("runs"), runs=[run])
    return app, app.run_test(size=size, notifications=True)


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
async def test_the_machine_and_the_engine_are_shown(
    terminal_environment: None, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml())
    run = record(Path("runs"), "r", status=None)
    lock = Lock(run)
    app, test = running(run, size)
    try:
        async with test as pilot:
            await until_shown(pilot, "running")
            await pilot.press("5")
            await until_shown(pilot, f"process {os.getpid()}")
            await until_shown(pilot, "Old")
            shown = text(app)
            for words in ("[5 System]", "87%", "20 GB of 80 GB", "512/700 W", "61 C", "cores,"):
                assert words in shown
            for words in ("memory", "runs disk", "network", "all cores", "engine 5 GB"):
                assert words in shown or (words == "engine 5 GB" and size[0] < 120)
            assert "\x1b" not in shown
    finally:
        lock.release()


async def test_nobody_looks_while_another_page_is_shown(
    terminal_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    take = Sampler.sample

    def sample(self: Sampler, run: RunDir) -> usage.Sample:
        looks.append(1)
        return take(self, run)

    monkeypatch.setattr(Sampler, "sample", sample)
    monkeypatch.setattr("tui.screens.dashboard.pages.system.SAMPLE_SECONDS", 0.05)
    app, test = running(record(Path("runs"), "r"))
    async with test as pilot:
        await until_shown(pilot, "100%")
        assert not looks
        await pilot.press("5")
        await until(pilot, lambda: len(looks) > 3)
        await pilot.press("1")
        page = app.screen.query_one(SystemPage)
        await until(pilot, lambda: not page._busy)
        before = len(looks)
        await pilot.pause(0.3)
        assert len(looks) == before
        await pilot.press("5")
        await until(pilot, lambda: len(looks) > before)


async def test_an_engine_on_another_machine_is_said(terminal_environment: None) -> None:
    run = held_by(record(Path("runs"), "r", status=None), host="gpu-\x1b[31mbox", boot="other")
    app, test = running(run)
    async with test as pilot:
        await until_shown(pilot, "unreachable")
        await pilot.press("5")
        await until_shown(pilot, f"box; this page is about {socket.gethostname()}")
        assert "\x1b" not in text(app)


async def test_a_plain_terminal_gets_bars_of_ascii(
    terminal_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "vt100")
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml())
    app, test = running(record(Path("runs"), "r"))
    async with test as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("5")
        await until_shown(pilot, "512/700 W")
        assert text(app).isascii()


async def test_a_system_that_does_not_let_us_look_ends_nothing(
    terminal_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Sampler, run: RunDir) -> usage.Sample:
        raise PermissionError("/proc/stat")

    monkeypatch.setattr(Sampler, "sample", refused)
    app, test = running(record(Path("runs"), "r"))
    async with test as pilot:
        await until_shown(pilot, "100%")
        await pilot.press("5")
        await until_shown(pilot, "measuring")
        page = app.screen.query_one(SystemPage)
        await until(pilot, lambda: not page._busy)
        assert "measuring" in text(app)
