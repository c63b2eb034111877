"""An input of one line that takes keys in the order in which they were pressed."""

from textual.events import Key
from textual.widgets import Input


class Field(Input):
    """An input that carries out keys in their order.

    Textual carries out a binding such as Ctrl+U or Backspace only after the text that came behind
    it in one packet, as over a slow link: what was typed anew would be deleted.
    """

    async def _on_key(self, event: Key) -> None:
        bound = self._bindings.key_to_bindings.get(event.key)
        if bound is None:
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()
        await self.run_action(bound[0].action)
