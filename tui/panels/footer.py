"""The footer: as many keys as fit, most needed first; all of them are in the help.

One widget draws all of them. Textual's own footer makes a widget of every key, and all of them
again whenever the focus moves: a third of the time that this app took to appear.
"""

from dataclasses import dataclass

from rich.text import Text
from textual.binding import ActiveBinding
from textual.events import MouseDown
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

_ALWAYS = ("help", "leave")
"""Actions that are shown even where others have to go."""


@dataclass(frozen=True)
class FooterKey:
    """A key in the footer."""

    key: str
    shown: str
    description: str
    action: str
    enabled: bool

    @property
    def width(self) -> int:
        """Width in cells: one at each side of the key, one after the description."""
        return len(self.shown) + len(self.description) + 3


class FittingFooter(Widget):
    """A footer with the keys in the order of the screen; what does not fit is left out, not cut."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES = {"footer--key", "footer--description"}
    DEFAULT_CSS = """
    FittingFooter {
        dock: bottom;
        height: 1;
        text-wrap: nowrap;
        color: $footer-foreground;
        background: $footer-background;
        .footer--key {
            color: $footer-key-foreground;
            background: $footer-key-background;
            text-style: bold;
        }
        .footer--description {
            color: $footer-description-foreground;
            background: $footer-description-background;
        }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[FooterKey, ...] = ()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._changed(self.screen)

    def _changed(self, screen: Screen[object]) -> None:
        """Draw anew if the keys are others: at most changes of the focus they are the same."""
        found = map(self._key, _first_of_actions(screen))
        keys = tuple(key for key in found if key.description)
        if keys != self._keys and self.app.app_focus:
            self._keys = keys
            self.refresh()

    def _key(self, active: ActiveBinding) -> FooterKey:
        """The key that is shown: in an input, `?` would be typed. A screen that `offered` says ""
        for an action cannot do it now."""
        binding = active.binding
        offered = getattr(self.screen, "offered", None)
        name = binding.description
        if offered is not None:
            name = offered(binding.action, name)
        if binding.action == "help" and isinstance(self.screen.focused, Input):
            return FooterKey("f1", "F1", name, binding.action, active.enabled)
        shown = self.app.get_key_display(binding)
        return FooterKey(binding.key, shown, name, binding.action, active.enabled)

    def fitting(self) -> list[FooterKey]:
        """The keys that fit, in their order."""
        kept = [key for key in self._keys if key.action in _ALWAYS]
        left = self.size.width - sum(key.width for key in kept)
        for key in self._keys:
            if key not in kept and (left := left - key.width) < 0:
                break
            if key not in kept:
                kept.append(key)
        return [key for key in self._keys if key in kept]

    def render(self) -> Text:
        key_style = self.get_component_rich_style("footer--key")
        description_style = self.get_component_rich_style("footer--description")
        line = Text(no_wrap=True)
        for key in self.fitting():
            begin = len(line)
            line.append(f" {key.shown} ", key_style).append(
                f"{key.description} ", description_style
            )
            if not key.enabled:
                line.stylize("dim", begin)
        return line

    def on_mouse_down(self, event: MouseDown) -> None:
        """Press the key that was clicked."""
        end = 0
        for key in self.fitting():
            end += key.width
            if event.x < end:
                self.app.simulate_key(key.key) if key.enabled else self.app.bell()
                return


def _first_of_actions(screen: Screen[object]) -> list[ActiveBinding]:
    """The first of several keys that do the same."""
    found: dict[str, ActiveBinding] = {}
    for active in screen.active_bindings.values():
        if active.binding.show:
            found.setdefault(active.binding.action, active)
    return list(found.values())
