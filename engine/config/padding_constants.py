"""How samples of different lengths stand in one array: what fills the places behind their ends.

Padding is part of the numbers, so that a batch stays a pair of arrays: a model derives its mask
from its input, a loss from its targets, and nothing else has to be handed on with them.
"""

PAD, BEGIN, END, UNKNOWN = 0, 1, 2, 3
"""The first symbols of every vocabulary: padding, begin and end of a sequence, and whatever the
vocabulary lacks."""
SPECIAL = ("<pad>", "<begin>", "<end>", "<unknown>")
"""Their names, in order."""
IGNORED = -100
"""Padding of int64 targets: it has no loss, as in torch's `ignore_index`. Frames (float32) are
padded with NaN."""
SILENT = -8192.0
"""The logit of all symbols but the blank in an output frame of padding: there the blank is certain,
so that the loss of a text does not depend on the padding. A number that half precision has, too."""
