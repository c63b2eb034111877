"""Whether runs fit into the memory of their device, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.config import estimate
from engine.config.estimate import Memory
from presets.schema import RunConfig
from tui.text import file_size


@dataclass(frozen=True)
class Room:
    """What the largest of some runs needs, and what there is."""

    needed: Memory
    free: int | None
    """Free bytes of the device; None if they are not known."""

    @property
    def fits(self) -> bool | None:
        """Whether it fits; None if that is not known."""
        return estimate.fits(self.needed, self.free)

    def words(self) -> str:
        """The verdict first, then what is needed and what there is; at most 72 characters."""
        if self.free is None:
            return f"about {file_size(self.needed.total)} of memory"
        if self.fits:
            needed = file_size(self.needed.total)
            return f"fits: about {needed} of memory, {file_size(self.free)} are free"
        needed = file_size(self.needed.total + estimate.RUNTIME_BYTES)
        return f"does not fit: about {needed} of memory with torch, {file_size(self.free)} are free"

    def parts(self) -> list[str]:
        """What the memory is for, one entry each."""
        needed = self.needed
        return [
            f"{name} {file_size(size)}"
            for name, size in (
                ("weights", needed.parameters),
                ("gradients", needed.gradients),
                ("optimizer", needed.optimizer),
                ("activations", needed.activations + needed.outputs),
                ("data", needed.data),
            )
        ]


def largest(configs: Sequence[RunConfig], free: int | None) -> Room:
    """The room that runs on one device need, one after another. Raises ConfigError."""
    sizes = [estimate.memory(config, free) for config in configs]
    return Room(max(sizes, key=lambda memory: memory.total), free)


def too_large(configs: Sequence[RunConfig]) -> str:
    """Why runs do not fit into the memory that is free now, in one line; "" if they do, or if that
    is not known.

    Asks the devices, which may take some seconds where a driver is slow. Raises ConfigError for
    components that do not exist.
    """
    for device in dict.fromkeys(config.device for config in configs):
        on_it = [config for config in configs if config.device == device]
        room = largest(on_it, estimate.free_memory(device))
        if room.fits is False:
            return f"{room.words()} on device {device} ({', '.join(room.parts())})"
    return ""
