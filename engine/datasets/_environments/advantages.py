"""How much better than expected each action turned out."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def advantages(
    rewards: Numbers,
    values: Numbers,
    following: Numbers,
    ends: NDArray[np.bool_],
    *,
    discount: float,
    trace: float,
) -> Numbers:
    """Generalised advantage estimates (Schulman et al. 2016, arXiv:1506.02438, equation 16).

    All are (moves, copies). `values` are the estimates before each move, `following` those of the
    observation after it: 0 where the episode terminated there. `ends` says after which moves an
    episode was over, terminated or cut off. `trace` is the lambda of the formula.
    """
    errors = rewards + discount * following - values
    found = np.zeros_like(errors)
    later = np.zeros(errors.shape[1])
    for move in reversed(range(len(errors))):
        later = errors[move] + discount * trace * np.where(ends[move], 0.0, later)
        found[move] = later
    return found
