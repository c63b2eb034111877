"""Texts that a person lets a model write from a text: token by token, with the alternatives."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from engine.config.padding_constants import BEGIN, END, PAD, SPECIAL
from engine.config.registry import Codec
from engine.tasks.task import evaluating
from engine.tasks.texts import beam_search
from engine.tasks.texts.continuing import Token
from presets import UserError

_PART = "\N{REPLACEMENT CHARACTER}"  # what a codec gives for a character that is not whole yet


def rewrite(
    model: nn.Module, codec: Codec, text: str, *, most: int | None = None, alternatives: int = 5
) -> Iterator[Token]:
    """The tokens of the translation, heading or summary of a text, each as soon as it is chosen:
    the likeliest one each time, as at the evaluations during training.

    `most` is the maximum number of tokens; None: half as many again as the text has, and 10. Among
    the alternatives "<end>" stands for the end of the text. The model's mode is restored whenever a
    token is handed over. Raises UserError for a text without a
    symbol.
    """
    device = next(model.parameters()).device
    source = np.append(codec.encode(text), END)
    if len(source) == 1:
        raise UserError("input: expected a text with at least one character that the model knows")
    writer, written, known = beam_search.writer(model), [BEGIN], ""
    with evaluating(model):
        state = writer.encode(torch.from_numpy(source).to(device)[None])
    for _ in range(most if most is not None else len(source) * 3 // 2 + 10):
        with evaluating(model):  # not around `yield`: it would hold in the caller's code, too
            last = torch.tensor([written[-1:]], device=device)
            logits = writer.logits(last, state)[0, -1].float()
            logits[[PAD, BEGIN]] = -torch.inf
            shares, symbols = logits.softmax(dim=0).topk(min(alternatives, len(logits) - 2))
        if (symbol := int(symbols[0])) == END:
            return
        written.append(symbol)
        longer = codec.decode(written[1:])
        whole = longer.rstrip(_PART)
        yield Token(
            text=whole[len(known) :],
            probability=float(shares[0]),
            alternatives=tuple(
                (SPECIAL[each] if each < len(SPECIAL) else codec.decode([each]), share)
                for each, share in zip(symbols.tolist(), shares.tolist(), strict=True)
            ),
        )
        known = whole if len(whole) > len(known) else known
