"""Whether runs fit into memory, asked before any of them starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from presets import UserError

if TYPE_CHECKING:
    from presets.schema import RunConfig

force_option = click.option(
    "--force", is_flag=True, help="Start even if it does not fit into memory."
)
"""The option of every command that starts a training."""


def check(configs: Sequence[RunConfig], *, force: bool) -> None:
    """Raises UserError if one of the runs does not fit into the free memory of its device, unless
    `force`. May wait some seconds for a GPU's driver."""
    from tui.choices import memory_verdict

    if not force and (why := memory_verdict.too_large(configs)):
        raise UserError(
            f"{why}; make the model or batch_size smaller, or start it nevertheless with --force"
        )
