"""Measure the engine, with all panels on, against loops that a person writes by hand.

`python tests/benchmarks/bench_speed.py [ROUNDS] [mlp] [gpt]`, one thread; prints, asserts nothing.
"""

import sys
from functools import partial

from rates import GPT, MLP, Work, engine_rate, interleaved, machine, python, rate_of, table

WAYS = {
    "bare loop": "default",
    "bare loop, fused optimizer": "fused",
    "bare loop that clips by norm": "clip",
}
FIGURES = {"mlp": (MLP, [*WAYS], {}), "gpt": (GPT, [*WAYS][:2], {"batch_size": 12})}
NOTE = """Medians of {rounds} interleaved rounds, steps after a warm-up, without evaluations; the
engine clips by norm, records every step, looks at the layers and saves its best state; a bare loop
records nothing, and clips only where it says so."""


def measure(name: str, rounds: int) -> None:
    """Print the table of one piece of work."""
    work: Work
    work, ways, settings = FIGURES[name]
    steps = (str(work.steps), str(work.warmup))
    measured = interleaved(
        rounds,
        {
            "engine": partial(engine_rate, work, **settings),
            **{way: partial(rate_of, python("bare.py", name, WAYS[way], *steps)) for way in ways},
        },
    )
    print(f"{work.name}, {work.steps - work.warmup} steps:")
    print("\n".join(table(measured, "engine")), flush=True)


def main() -> None:
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdecimal()]
    rounds = numbers[0] if numbers else 5
    print(machine())
    print(NOTE.format(rounds=rounds))
    for name in [name for name in sys.argv[1:] if name in FIGURES] or FIGURES:
        measure(name, rounds)
    print(machine())


if __name__ == "__main__":
    main()
