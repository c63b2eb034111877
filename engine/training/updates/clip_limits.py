"""Limits of the gradient norm that follow from earlier norms, without a wait of the host."""

import torch
from torch import Tensor

from presets.schema import Clip

AUTOCLIP_NORMS = 1000
"""Number of newest norms of which AutoClip takes a percentile; the paper keeps all norms."""
ZCLIP_WARMUP = 25
"""Number of norms from which ZClip takes its first mean and variance."""
ZCLIP_DECAY = 0.97
_EPS = 1e-6


class NormLimit:
    """A limit of the gradient norm that depends on earlier norms, which it remembers on the device.
    A norm that is not finite leaves no trace in what is remembered."""

    def __init__(self, settings: Clip, device: torch.device, norms: int) -> None:
        self.settings = settings
        self._count = torch.zeros((), dtype=torch.int64, device=device)
        """The number of finite norms so far, 0-dim."""
        self._norms = torch.full((norms,), torch.nan, device=device)
        """A ring of the newest finite norms, NaN where there is none yet; float32 (norms,)."""
        self._places = torch.arange(norms, device=device)

    def after(self, norm: Tensor) -> Tensor:
        """The limit for a gradient with this norm, which is remembered; both float32 0-dim."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Tensor | int]:
        """The remembered norms, as tensors and plain numbers."""
        return {"steps": self._count, "norms": self._norms}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Raises KeyError, TypeError or RuntimeError if it does not fit."""
        steps, norms = state["steps"], state["norms"]
        if not isinstance(steps, int | Tensor) or not isinstance(norms, Tensor):
            raise TypeError("the state of clipping has values of another type")
        self._count.fill_(steps)
        # An older checkpoint counts norms that are not finite, and has 0 for those to come.
        known = self._places < self._count
        self._norms.copy_(norms).masked_fill_(known.logical_not(), torch.nan)

    def _keep(self, norm: Tensor) -> None:
        """Remember a norm in place of the oldest, if it is finite; never waits for the device."""
        finite = torch.isfinite(norm)
        here = (self._places == self._count % len(self._norms)).logical_and(finite)
        self._norms = torch.where(here, norm, self._norms)
        self._count = self._count + finite


class AutoClip(NormLimit):
    """A percentile of the norms so far, including the current one, as in the code of the paper
    (Seetharaman et al. 2020, arXiv:2007.14469; github.com/pseeth/autoclip)."""

    def __init__(self, settings: Clip, device: torch.device) -> None:
        super().__init__(settings, device, AUTOCLIP_NORMS)

    def after(self, norm: Tensor) -> Tensor:
        self._keep(norm)
        return torch.nanquantile(self._norms, self.settings.percentile / 100)


class ZClip(NormLimit):
    """A limit for outliers, as in the code of the paper (Kumar et al. 2025, arXiv:2504.02507;
    github.com/bluorion-com/ZClip, mode `zscore` with `adaptive_scaling`).

    With the mean m and standard deviation s of earlier norms, a norm whose z = (norm - m) / s
    exceeds z_score is limited to m + z_score^2 / z s. The moving averages m and s are updated with
    the norm after clipping; the variance is that around the updated mean. The first 25 norms are
    not clipped. Averages are float64, as there.
    """

    def __init__(self, settings: Clip, device: torch.device) -> None:
        super().__init__(settings, device, ZCLIP_WARMUP)
        self._mean = torch.zeros((), dtype=torch.float64, device=device)
        self._variance = torch.zeros((), dtype=torch.float64, device=device)

    def after(self, norm: Tensor) -> Tensor:
        warm, finite = self._count >= ZCLIP_WARMUP, torch.isfinite(norm)
        limit, left = self._limit(norm.double(), finite)
        mean = ZCLIP_DECAY * self._mean + (1 - ZCLIP_DECAY) * left
        variance = ZCLIP_DECAY * self._variance + (1 - ZCLIP_DECAY) * (left - mean).square()
        self._mean = torch.where(finite, mean, self._mean)
        self._variance = torch.where(finite, variance, self._variance)
        if warm.device.type != "cpu" or not warm:  # on the CPU asking costs nothing
            self._warm_up(norm, warm)
        return torch.where(warm, limit, torch.inf).float()

    def _limit(self, norm: Tensor, finite: Tensor) -> tuple[Tensor, Tensor]:
        """The limit after the warm-up, and the norm that it leaves; both float64 0-dim."""
        z_score, deviation = self.settings.z_score, self._variance.sqrt()
        z = (norm - self._mean) / (deviation + _EPS)
        outlier = finite.logical_and(z > z_score)
        left = torch.where(outlier, self._mean + z_score**2 / z * deviation, norm)
        # Where nothing is clipped, the limit is what the norm might have been, for the plots.
        most = self._mean + z_score * deviation
        not_clipped = torch.where(finite, torch.maximum(most, norm), most)
        return torch.where(outlier, left, not_clipped), left

    def _warm_up(self, norm: Tensor, warm: Tensor) -> None:
        """Until there are 25 norms, take mean and variance from those that there are."""
        before = self._norms, self._count
        self._keep(norm)
        self._norms = torch.where(warm, before[0], self._norms)
        self._count = torch.where(warm, before[1], self._count)
        norms = self._norms.double()
        mean = norms.nanmean()
        variance = (norms - mean).square().nanmean()
        self._mean = torch.where(warm, self._mean, mean)
        self._variance = torch.where(warm, self._variance, variance)

    def state_dict(self) -> dict[str, Tensor | int]:
        return {**super().state_dict(), "mean": self._mean, "variance": self._variance}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        super().load_state_dict(state)
        mean, variance = state["mean"], state["variance"]
        if not isinstance(mean, Tensor) or not isinstance(variance, Tensor):
            raise TypeError("the state of clipping has values of another type")
        self._mean = mean.to(self._norms.device, torch.float64, copy=True)
        self._variance = variance.to(self._norms.device, torch.float64, copy=True)


LIMITS: dict[str, type[AutoClip] | type[ZClip]] = {"autoclip": AutoClip, "zclip": ZClip}
"""The limits by their clipping mode."""
