"""The footer: as many keys as fit, most needed first; all of them are in the help."""

from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

_ALWAYS = ("help", "quit", "app.quit")
"""Actions that are shown even where others have to go."""


class FittingFooter(Footer):
    """Bindings in the order of the screen; what does not fit is left out instead of cut."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)

    def compose(self) -> ComposeResult:
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        kept = [key for key in keys if key.action in _ALWAYS]
        left = self.app.size.width - sum(map(_width, kept))
        for key in keys:
            if key not in kept and (left := left - _width(key)) < 0:
                break
            if key not in kept:
                kept.append(key)
        yield from (key for key in keys if key in kept)

    def on_resize(self) -> None:
        self.call_after_refresh(self.recompose)


def _width(key: FooterKey) -> int:
    """Cells: one at each side of the key, one after the description."""
    return len(key.key_display) + len(key.description) + 3
