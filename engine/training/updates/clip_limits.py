"""Limits of the gradient norm that follow from the norms so far, without a wait of the host."""

import torch
from torch import Tensor

from presets.schema import Clip

AUTOCLIP_NORMS = 1000
"""The newest norms, whose percentile AutoClip takes; the paper keeps them all."""
ZCLIP_WARMUP = 25
"""Steps of which ZClip takes the first mean and variance."""
ZCLIP_DECAY = 0.97
_EPS = 1e-6


class NormLimit:
    """Remembers gradient norms on the device. One that is not finite is left out."""

    def __init__(self, settings: Clip, device: torch.device, norms: int) -> None:
        self.settings = settings
        self._steps = 0
        self._norms = torch.zeros(norms, device=device)
        """The newest norms in a ring; NaN for those that were not finite."""

    def after(self, norm: Tensor) -> Tensor:
        """The limit for a gradient of this norm, which is taken into account; float32 0-dim."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Tensor | int]:
        """Tensors and plain numbers."""
        return {"steps": self._steps, "norms": self._norms}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Raises KeyError, TypeError or RuntimeError if it does not fit."""
        steps, norms = state["steps"], state["norms"]
        if not isinstance(steps, int) or not isinstance(norms, Tensor):
            raise TypeError("what clipping remembers is of another kind")
        self._steps = steps
        self._norms.copy_(norms)

    def _keep(self, norm: Tensor) -> None:
        finite = torch.where(torch.isfinite(norm), norm, torch.nan)
        self._norms[self._steps % len(self._norms)] = finite
        self._steps += 1


class AutoClip(NormLimit):
    """A percentile of the norms so far, this one included (Seetharaman et al. 2020,
    arXiv:2007.14469)."""

    def __init__(self, settings: Clip, device: torch.device) -> None:
        super().__init__(settings, device, AUTOCLIP_NORMS)

    def after(self, norm: Tensor) -> Tensor:
        self._keep(norm)
        known = self._norms[: self._steps]
        return torch.nanquantile(known, self.settings.percentile / 100)


class ZClip(NormLimit):
    """Outliers among the norms (Kumar et al. 2025, arXiv:2504.02507): with mean m and standard
    deviation s of those before, a norm whose z = (norm - m) / s exceeds z_score is limited to
    m + z_score^2 / z s. Moving averages take in what is left after clipping."""

    def __init__(self, settings: Clip, device: torch.device) -> None:
        super().__init__(settings, device, ZCLIP_WARMUP)
        self._mean = torch.zeros((), device=device)
        self._variance = torch.zeros((), device=device)

    def after(self, norm: Tensor) -> Tensor:
        if self._steps < ZCLIP_WARMUP:
            self._keep(norm)
            if self._steps == ZCLIP_WARMUP:
                self._mean = self._norms.nanmean()
                self._variance = (self._norms - self._mean).square().nanmean()
            return torch.full_like(norm, torch.inf)
        z_score = self.settings.z_score
        deviation = self._variance.sqrt() + _EPS
        z = (norm - self._mean) / deviation
        outlier = z > z_score
        # What is left of an outlier; others may have up to the largest norm that is none.
        limit = self._mean + torch.where(outlier, z_score**2 / z, z_score) * deviation
        self._take_in(torch.where(outlier, limit, norm))
        return limit

    def _take_in(self, norm: Tensor) -> None:
        mean = ZCLIP_DECAY * self._mean + (1 - ZCLIP_DECAY) * norm
        variance = ZCLIP_DECAY * self._variance + (1 - ZCLIP_DECAY) * (norm - mean).square()
        finite = torch.isfinite(mean + variance)
        self._mean = torch.where(finite, mean, self._mean)
        self._variance = torch.where(finite, variance, self._variance)

    def state_dict(self) -> dict[str, Tensor | int]:
        return {**super().state_dict(), "mean": self._mean, "variance": self._variance}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        super().load_state_dict(state)
        mean, variance = state["mean"], state["variance"]
        if not isinstance(mean, Tensor) or not isinstance(variance, Tensor):
            raise TypeError("what clipping remembers is of another kind")
        self._mean = mean.to(self._norms.device).clone()
        self._variance = variance.to(self._norms.device).clone()


LIMITS: dict[str, type[AutoClip] | type[ZClip]] = {"autoclip": AutoClip, "zclip": ZClip}
