"""Limits of the gradient norm that follow from earlier norms, without a wait of the host."""

import torch
from torch import Tensor

from presets.schema import Clip

AUTOCLIP_NORMS = 1000
"""Number of newest norms of which AutoClip takes a percentile; the paper keeps all norms."""
ZCLIP_WARMUP = 25
"""Number of steps from which ZClip takes its first mean and variance."""
ZCLIP_DECAY = 0.97
_EPS = 1e-6


class NormLimit:
    """A limit of the gradient norm that depends on earlier norms, which it remembers on the device.
    Norms that are not finite are left out."""

    def __init__(self, settings: Clip, device: torch.device, norms: int) -> None:
        self.settings = settings
        self._steps = 0
        self._norms = torch.zeros(norms, device=device)
        """A ring of the newest norms, NaN for those that were not finite; float32 (norms,)."""

    def after(self, norm: Tensor) -> Tensor:
        """The limit for a gradient with this norm, which is remembered; both float32 0-dim."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Tensor | int]:
        """The remembered norms, as tensors and plain numbers."""
        return {"steps": self._steps, "norms": self._norms}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Raises KeyError, TypeError or RuntimeError if it does not fit."""
        steps, norms = state["steps"], state["norms"]
        if not isinstance(steps, int) or not isinstance(norms, Tensor):
            raise TypeError("the state of clipping has values of another type")
        self._steps = steps
        self._norms.copy_(norms)

    def _keep(self, norm: Tensor) -> None:
        finite = torch.where(torch.isfinite(norm), norm, torch.nan)
        self._norms[self._steps % len(self._norms)] = finite
        self._steps += 1


class AutoClip(NormLimit):
    """A percentile of the norms so far, including the current one (Seetharaman et al. 2020,
    arXiv:2007.14469)."""

    def __init__(self, settings: Clip, device: torch.device) -> None:
        super().__init__(settings, device, AUTOCLIP_NORMS)

    def after(self, norm: Tensor) -> Tensor:
        self._keep(norm)
        known = self._norms[: self._steps]
        return torch.nanquantile(known, self.settings.percentile / 100)


class ZClip(NormLimit):
    """A limit for outliers (Kumar et al. 2025, arXiv:2504.02507): with mean m and standard
    deviation s of earlier norms, a norm whose z = (norm - m) / s exceeds z_score is limited to
    m + z_score^2 / z s. The moving averages m and s are updated with the norm after clipping."""

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
        # An outlier is reduced to this; other norms may be as large as one that is not an outlier.
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
            raise TypeError("the state of clipping has values of another type")
        self._mean = mean.to(self._norms.device).clone()
        self._variance = variance.to(self._norms.device).clone()


LIMITS: dict[str, type[AutoClip] | type[ZClip]] = {"autoclip": AutoClip, "zclip": ZClip}
"""The limits by their clipping mode."""
