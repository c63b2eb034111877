"""Whether a run fits into memory, asked before it starts."""

from presets import UserError
from presets.schema import RunConfig
from tui.choices import memory_verdict


def check(config: RunConfig, *, force: bool) -> None:
    """Raises UserError if the run does not fit into the free memory of its device, unless `force`.
    May wait some seconds for a GPU's driver."""
    if not force and (why := memory_verdict.too_large([config])):
        raise UserError(
            f"{why}; make the model or batch_size smaller, or start it nevertheless with --force"
        )
