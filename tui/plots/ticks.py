"""Choose the numbers of an axis and write them in at most six columns; pure."""

import math
import time

LABEL_WIDTH = 6
_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)
_DAY = 86_400


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """At most about `most` round numbers from `low` or below it to `high` or above it."""
    span = (high - low) or abs(high) or 1.0
    # Below this, float64 could not tell the ticks apart.
    span = max(span, 1e-8 * max(abs(low), abs(high)), 1e-99)
    rough = span / max(1, most)
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(
        (factor * magnitude for factor in (1, 2, 2.5, 5) if factor * magnitude >= rough * 0.999),
        10 * magnitude,
    )
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, max(last, first + 1) + 1)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """At most about `most` numbers, 1, 2 or 5 times a power of ten, from `low` or below it to
    `high` or above it; 0 < low <= high."""
    first = math.floor(math.log10(low) + 1e-9)
    last = math.ceil(math.log10(high) - 1e-9)
    steps = [f * 10.0**power for power in range(first, last + 1) for f in (1, 2, 5)]
    begin = max(i for i, tick in enumerate(steps) if i == 0 or tick <= low * (1 + 1e-9))
    end = next(i for i, tick in enumerate(steps) if tick >= high * (1 - 1e-9))
    end = max(end, begin + 1)
    found = steps[begin : end + 1]
    if len(found) > most + 1:  # powers of ten between the ends, and not too close to them
        every = max(1, math.ceil((last - first) / max(1, most)))
        powers = [10.0**power for power in range(first, last + 1, every)]
        inner = [tick for tick in powers if 2.5 * found[0] < tick < found[-1] / 2.5]
        found = [found[0], *inner, found[-1]]
    return [float(f"{tick:.12g}") for tick in found]


def time_ticks(low: float, high: float, most: int, *, local: bool) -> list[float]:
    """Times in seconds at whole minutes, hours or days within low..high, of local time or since
    0."""
    rough = (high - low) / max(1, most)
    if rough < 1:
        return [tick for tick in nice_ticks(low, high, most) if low <= tick <= high]
    days = _DAY * math.ceil(rough / _DAY)
    step = next((seconds for seconds in _SECONDS if seconds >= rough), days)
    shift = _offset(low) if local else 0
    first = math.ceil((low + shift) / step - 1e-9)
    last = math.floor((high + shift) / step + 1e-9)
    return [float(index * step - shift) for index in range(first, last + 1)]


def span_label(seconds: float) -> str:
    """A duration: 0.5s, 30s, 5m, 1h30, 3d, 40y."""
    if abs(seconds) < 60:
        return f"{compact(seconds)}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}" if rest else f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02}" if minutes else f"{hours}h"
    days, hours = divmod(hours, 24)
    if days >= 10_000:
        return f"{days // 365}y"
    return f"{days}d{hours:02}" if hours and days < 100 else f"{days}d"


def clock_label(seconds: float, span: float) -> str:
    """A local time of day, with as much of it as an axis of this many seconds needs."""
    shape = "%d %Hh" if span > 2 * _DAY else "%H:%M" if span > 300 else "%M:%S"
    try:
        return time.strftime(shape, time.localtime(seconds))
    except (OverflowError, OSError, ValueError):
        return "--:--"


def _offset(seconds: float) -> int:
    """Seconds by which the local time is ahead of UTC."""
    try:
        return time.localtime(seconds).tm_gmtoff
    except (OverflowError, OSError, ValueError):
        return 0


def compact(value: float) -> str:
    """A number in at most six columns, as exact as they allow: 400, 12.5k, 0.05, .00125, 1e-6."""
    for digits in (4, 3, 2, 1):
        text = _rounded(value, digits)
        for shorter in (text, text.replace("0.", ".", 1) if abs(value) < 1 else text):
            if len(shorter) <= LABEL_WIDTH:
                return shorter
    return "0"  # below 1e-99, and negative


def _rounded(value: float, digits: int) -> str:
    given, value = value, float(f"{value:.{digits}g}")
    size = abs(value)  # infinite where the largest floats were rounded up
    for limit, divisor, suffix in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if limit <= size < 1e12:
            return f"{value / divisor:.12g}{suffix}"
    if size and (size < 1e-3 or size >= 1e12):
        mantissa, _, exponent = f"{given:.{digits - 1}e}".partition("e")
        short = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{short}e{int(exponent)}"
    return f"{value:.12g}"
