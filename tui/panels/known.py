"""The panels that can be put on the first page, by name; any metric has one besides."""

from collections.abc import Callable
from dataclasses import dataclass

from tui.panels.chosen_panels import METRIC
from tui.panels.confusion import ConfusionPanel
from tui.panels.curves import NOISY, CurvesPanel
from tui.panels.gradients import GradientsPanel
from tui.panels.layer_distribution import DistributionPanel
from tui.panels.layers import LayersPanel
from tui.panels.log import LogPanel
from tui.panels.main_settings import SettingsPanel
from tui.panels.panel import Panel
from tui.panels.runs import RunsPanel
from tui.panels.samples.panel import SamplesPanel
from tui.panels.speed import SpeedPanel
from tui.panels.task_metric import TaskMetricPanel
from tui.text import clean


@dataclass(frozen=True)
class Known:
    """A panel that can be put on the page."""

    title: str
    make: Callable[[str], Panel]
    """Makes the panel, given its id."""
    span: int = 6
    """Its first width in columns, of twelve."""
    lines: bool = False
    """Whether it takes a few lines, as a list does, and no share of the height."""


def loss(id: str) -> CurvesPanel:
    """The loss, and the loss of the averaged weights if there is one."""
    more = {"val/ema_loss": "averaged"}
    return CurvesPanel(id=id, heading="Loss", train="train/loss", val="val/loss", more=more)


def learning_rate(id: str) -> CurvesPanel:
    """The learning rate of the first group of parameters."""
    return CurvesPanel(id=id, heading="Learning rate", train="lr", noisy=False)


def cosine(id: str) -> CurvesPanel:
    """Whether successive gradients point the same way."""
    return CurvesPanel(id=id, heading="Cosine of gradients", train="grad_cosine")


def noise_scale(id: str) -> CurvesPanel:
    """The batch size from which on larger ones gain little (McCandlish et al. 2018)."""
    return CurvesPanel(id=id, heading="Noise scale, samples", train="noise_scale")


def of_metric(name: str, id: str) -> CurvesPanel:
    """The curve of any metric, by its name."""
    return CurvesPanel(id=id, heading=clean(name, 200), train=name, noisy=name.startswith(NOISY))


PANELS = {
    "loss": Known("Loss", loss),
    "accuracy": Known("Accuracy, or what the task has instead", lambda id: TaskMetricPanel(id=id)),
    "gradients": Known("Gradient norm and clipping", lambda id: GradientsPanel(id=id)),
    "lr": Known("Learning rate", learning_rate, span=3),
    "speed": Known("Samples per second", lambda id: SpeedPanel(id=id), span=3),
    "runs": Known("Runs", lambda id: RunsPanel(id=id), span=4, lines=True),
    "settings": Known("Configuration", lambda id: SettingsPanel(id=id), span=4, lines=True),
    "log": Known("Log", lambda id: LogPanel(id=id), span=4, lines=True),
    "layers": Known("Layers", lambda id: LayersPanel(id=id)),
    "distribution": Known("Magnitudes in a layer", lambda id: DistributionPanel(id=id)),
    "cosine": Known("Cosine of gradients", cosine, span=3),
    "noise": Known("Noise scale", noise_scale, span=3),
    "confusion": Known("Confusion", lambda id: ConfusionPanel(id=id)),
    "samples": Known("Samples", lambda id: SamplesPanel(id=id)),
}


def known(panel: str) -> Known | None:
    """The panel of this name; None if no version of the app ever had one."""
    if panel.startswith(METRIC):
        name = panel.removeprefix(METRIC)
        return Known(clean(name, 200), lambda id: of_metric(name, id), span=4)
    return PANELS.get(panel)
