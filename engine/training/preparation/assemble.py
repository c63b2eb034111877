"""Build the state of a run from its configuration: model, optimizer and what goes with them."""

import torch
from torch import nn

from engine.config import configure, registry
from engine.config.configure import Plan
from engine.training.data_order import seeds
from engine.training.precision import LossScaler
from engine.training.state import Training
from engine.training.updates import build_optimizer, parameter_groups
from engine.training.updates.clipping import Clipper
from engine.training.updates.ema import MovingAverage
from presets.schema import RunConfig


def assemble(config: RunConfig, plan: Plan, device: torch.device) -> Training:
    """The state of a run before its first step, on `device`; seeds torch's random streams.

    Raises UserError, in one line, if parts of the configuration do not go together.
    """
    torch.manual_seed(config.seed)
    model: nn.Module = registry.build("model", config.model, configure.dataset_info(config))
    model = model.to(device)
    if config.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    parameters = [parameter for _, parameter in named]
    optimizer = build_optimizer.build_optimizer(
        config.optimizer, parameter_groups.of(model, config)
    )
    scaling = optimizer if build_optimizer.scales_gradients(optimizer) else None
    torch.manual_seed(seeds.training(config.seed))
    return Training(
        model=model,
        named=named,
        optimizer=optimizer,
        optimizer_type=config.optimizer.type,
        needs_closure=getattr(
            registry.module("optimizer", config.optimizer.type), "CLOSURE", False
        ),
        steps_per_epoch=plan.steps_per_epoch,
        steps=plan.steps,
        evaluate_every=config.evaluate_every or plan.steps_per_epoch,
        schedule=config.schedule,
        clipper=Clipper(named, config.clip, device, scaling),
        scaler=LossScaler(parameters, device) if config.precision == "fp16" else None,
        ema=None if config.ema_decay is None else MovingAverage(parameters, config.ema_decay),
    )
