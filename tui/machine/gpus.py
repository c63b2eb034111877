"""The NVIDIA GPUs of this machine, by NVML, which comes with the optional extra `gpu`."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

INSTALL = "pip install 'bigmodel-tui[gpu]'"


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """The state of one NVIDIA GPU; None for what it does not report, as under MIG or in laptops."""

    index: int
    name: str
    busy: float | None = None
    """Share of the time in which a kernel ran, 0 to 1."""
    memory_used: int | None = None
    """Bytes."""
    memory_total: int | None = None
    watts: float | None = None
    watts_limit: float | None = None
    celsius: float | None = None
    engine_memory: int | None = None
    """Bytes that the engine's process uses."""


class Gpus:
    """The NVIDIA GPUs of this machine, by NVML."""

    def __init__(self, nvml: Any = None) -> None:
        """`nvml` stands in for the module `pynvml`."""
        self._nvml = nvml
        self._problem: str | None = None
        """Why there are no GPUs; "" if NVML works; None before it was asked."""

    def read(self, pid: int | None) -> tuple[tuple[Gpu, ...], str]:
        """The state of each GPU, and why there are none; `pid` is the engine's process."""
        if self._problem is None:
            self._problem = self._begin()
        if self._problem:
            return (), self._problem
        try:
            number = self._nvml.nvmlDeviceGetCount()
        except self._nvml.NVMLError as error:
            return (), f"the GPUs cannot be read ({error})"
        return tuple(self._gpu(index, pid) for index in range(number)), ""

    def close(self) -> None:
        """Let go of the driver."""
        if self._problem == "":
            with suppress(self._nvml.NVMLError):
                self._nvml.nvmlShutdown()
        self._problem = None

    def _begin(self) -> str:
        try:
            if self._nvml is None:
                import pynvml

                self._nvml = pynvml
        except ImportError:
            return f"to see NVIDIA GPUs: {INSTALL}"
        try:
            self._nvml.nvmlInit()
        except self._nvml.NVMLError as error:
            return f"no NVIDIA driver ({error}); nvidia-smi says more"
        return ""

    def _gpu(self, index: int, pid: int | None) -> Gpu:
        nvml = self._nvml
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
        except nvml.NVMLError as error:
            return Gpu(index=index, name=f"cannot be read ({error})")
        busy = self._ask("nvmlDeviceGetUtilizationRates", handle)
        memory = self._ask("nvmlDeviceGetMemoryInfo", handle)
        watts = self._ask("nvmlDeviceGetPowerUsage", handle)
        limit = self._ask("nvmlDeviceGetEnforcedPowerLimit", handle)
        celsius = self._ask("nvmlDeviceGetTemperature", handle, 0)  # the sensor of the chip
        return Gpu(
            index=index,
            name=_text(self._ask("nvmlDeviceGetName", handle) or "GPU"),
            busy=busy.gpu / 100 if busy is not None else None,
            memory_used=memory.used if memory is not None else None,
            memory_total=memory.total if memory is not None else None,
            watts=watts / 1000 if watts is not None else None,
            watts_limit=limit / 1000 if limit is not None else None,
            celsius=celsius,
            engine_memory=self._memory_of(handle, pid) if pid is not None else None,
        )

    def _memory_of(self, handle: Any, pid: int) -> int | None:
        processes = self._ask("nvmlDeviceGetComputeRunningProcesses", handle) or []
        taken = [process.usedGpuMemory for process in processes if process.pid == pid]
        return sum(taken) if taken and None not in taken else None

    def _ask(self, function: str, *arguments: Any) -> Any:
        """The result of a function of NVML; None where this GPU or driver does not know it."""
        try:
            return getattr(self._nvml, function)(*arguments)
        except (self._nvml.NVMLError, AttributeError):
            return None


def _text(name: str | bytes) -> str:
    """The name as text, since older versions of the library return bytes."""
    return name.decode(errors="replace") if isinstance(name, bytes) else name
