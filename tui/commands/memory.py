"""Whether a run fits into memory, asked before it starts."""

from engine.config import estimate
from presets import UserError
from presets.schema import RunConfig


def check(config: RunConfig, *, force: bool) -> None:
    """Raises UserError if the run does not fit into the free memory of its device, unless `force`.
    May wait some seconds for a GPU's driver."""
    if force:
        return
    free = estimate.free_memory(config.device)
    needed = estimate.memory(config, free)
    if estimate.fits(needed, free) is False:
        total = needed.total + estimate.RUNTIME_BYTES
        raise UserError(
            f"device {config.device}: the run needs about {size(total)} of memory, and"
            f" {size(free or 0)} are free; make the model or batch_size smaller, or start it"
            " nevertheless with --force"
        )


def size(count: int) -> str:
    """A number of bytes for people: 0.65 GB, 158 GB."""
    return f"{count / 1e9:.3g} GB" if count >= 1e8 else f"{count / 1e6:.3g} MB"
