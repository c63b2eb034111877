"""The second page: what goes on in the layers."""

from textual.app import ComposeResult

from tui.panels.keys import bindings
from tui.panels.known import cosine, noise_scale
from tui.panels.layer_distribution import DistributionPanel
from tui.panels.layers import LayersPanel
from tui.screens.dashboard.pages.page import Page


class LayersPage(Page, can_focus=False):
    """The page of the layers: a table of all, and the distributions in the selected one."""

    NAME = "Layers"
    ID = "layers-page"
    KEYS = DistributionPanel.KEYS  # whichever panel has the focus
    BINDINGS = bindings(KEYS)

    def compose(self) -> ComposeResult:
        yield LayersPanel(id="layers")
        yield DistributionPanel(id="distribution")
        yield cosine("cosine")
        yield noise_scale("noise")

    def on_layers_panel_chosen(self, message: LayersPanel.Chosen) -> None:
        self.query_one(DistributionPanel).choose(message.layer)

    def action_switch(self) -> None:
        """Gradients instead of weights, or the other way round."""
        self.query_one(DistributionPanel).action_switch()
