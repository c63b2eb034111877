"""A recurrent neural network over symbols."""

from torch import Tensor, nn


class RecurrentNetwork(nn.Module):
    """A language model of an embedding, gated recurrent units (Cho et al. 2014, arXiv:1406.1078)
    and a linear layer. Each window begins with a state of zeros."""

    def __init__(
        self, *, symbols: int, hidden: int, layers: int, dropout: float, sparse: bool
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, hidden, sparse=sparse)
        between = dropout if layers > 1 else 0.0  # torch warns of it where there is no between
        self.gru = nn.GRU(hidden, hidden, layers, dropout=between, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, symbols)

    def forward(self, x: Tensor) -> Tensor:
        """Map symbols int64 (n, t) to logits float (n, t, symbols)."""
        states, _ = self.gru(self.embedding(x))
        logits: Tensor = self.head(self.dropout(states))
        return logits

    most_symbols = None
    """The state remembers any number of symbols."""

    def extend(self, x: Tensor, memory: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map symbols int64 (n, t) that follow those in `memory` to the logits of the last of them,
        float (n, symbols), and to the memory of all, (layers, n, hidden)."""
        states, memory = self.gru(self.embedding(x), memory)
        logits: Tensor = self.head(self.dropout(states[:, -1]))
        return logits, memory
