"""Measure how fast a model writes with its memory of what it has seen, and without.

`python tests/benchmarks/bench_generation.py [TOKENS] [MODEL ...]`, one thread; prints, asserts
nothing. Processor seconds, since others may be at work on the machine.
"""

import sys
import time

import torch
from rates import machine

from engine.config import configure, registry
from engine.tasks.texts.generation import Sampling, generate

DATASET = "bible-en"
SEED = 0
PROMPT = 8  # symbols


def seconds(model: torch.nn.Module, tokens: int, *, remember: bool) -> tuple[float, list[int]]:
    """The processor seconds of a text, and its symbols."""
    begun = time.process_time()
    with torch.inference_mode():
        text = generate(
            model,
            torch.arange(PROMPT),
            length=tokens,
            most=PROMPT + tokens,
            sampling=Sampling(top_k=20, top_p=0.95),
            generator=torch.Generator().manual_seed(SEED),
            remember=remember,
        )
    return time.process_time() - begun, text.tolist()


def measure(name: str, tokens: int) -> None:
    """Print the line of a model whose context holds the whole text."""
    config = configure.resolve(
        model=name, dataset=DATASET, settings={"dataset.context_length": PROMPT + tokens}
    )
    torch.manual_seed(SEED)
    model = registry.build("model", config.model, configure.dataset_info(config)).eval()
    seconds(model, 4, remember=True)  # what torch does once
    quick, plain = (seconds(model, tokens, remember=remember) for remember in (True, False))
    size = sum(weight.numel() for weight in model.parameters())
    same = "the same text" if quick[1] == plain[1] else "ANOTHER TEXT"
    print(
        f"{name}, {size:,} parameters, {tokens} tokens: {quick[0]:.2f} s with the memory "
        f"({tokens / quick[0]:.0f} tokens/s), {plain[0]:.2f} s without: "
        f"{plain[0] / quick[0]:.1f} times faster, {same}",
        flush=True,
    )


def main() -> None:
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdecimal()]
    torch.set_num_threads(1)
    print(machine())
    for name in [name for name in sys.argv[1:] if not name.isdecimal()] or ["gpt-10m"]:
        measure(name, numbers[0] if numbers else 512)


if __name__ == "__main__":
    main()
