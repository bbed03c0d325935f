"""Language models: token ids (B, T) -> logits of a token at each place (B, T, V).

GPT: Radford et al. 2019 (next token); BERT: Devlin et al. 2019, https://arxiv.org/abs/1810.04805 (masked tokens).
Recurrent: Mikolov et al. 2010; LSTM: Hochreiter and Schmidhuber 1997; GRU: Cho et al. 2014, arXiv 1406.1078.
"""

from __future__ import annotations

from torch import Tensor, nn

from convergent.models.transformer import KeyValueCache, Transformer


class TransformerLanguageModel(nn.Module):
    """A Transformer under a linear head that begins at zero: every token is as likely at the first step.

    `network` is what another text task takes over: it knows nothing of the head.
    """

    def __init__(self, network: Transformer, num_tokens: int, width: int) -> None:
        super().__init__()
        self.network = network
        self.context: int | None = network.context
        self.head = nn.Linear(width, num_tokens, bias=False)
        nn.init.zeros_(self.head.weight)

    def features(self, tokens_BT: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """Return the features (B, T, D) that the head takes."""
        features_BTD: Tensor = self.network(tokens_BT, cache=cache)
        return features_BTD

    def forward(self, tokens_BT: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """Return the logits (B, T, V)."""
        logits_BTV: Tensor = self.head(self.features(tokens_BT, cache))
        return logits_BTV

    def new_cache(self) -> KeyValueCache:
        """Return a cache that holds no token yet."""
        return KeyValueCache()


class RecurrentCache:
    """The state of a recurrent network after the tokens that it has seen."""

    def __init__(self) -> None:
        self.length = 0
        self.state: Tensor | tuple[Tensor, Tensor] | None = None


class RecurrentLanguageModel(nn.Module):
    """An LSTM or GRU under a linear head, with embeddings of the network's width; it can go on for ever."""

    context: int | None = None

    def __init__(self, kind: str, num_tokens: int, width: int, depth: int, *, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_tokens, width)
        make = nn.LSTM if kind == "lstm" else nn.GRU
        self.network = make(width, width, depth, batch_first=True, dropout=dropout if depth > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, num_tokens)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        for name, parameter in self.network.named_parameters():
            if name.startswith("weight_hh"):
                for gate in parameter.data.chunk(len(parameter) // width):
                    nn.init.orthogonal_(gate)
            elif name.startswith("bias"):
                nn.init.zeros_(parameter)
                if kind == "lstm" and name.startswith("bias_ih"):  # open forget gates: Jozefowicz et al. 2015
                    nn.init.ones_(parameter.data[width : 2 * width])

    def features(self, tokens_BT: Tensor, cache: RecurrentCache | None = None) -> Tensor:
        """Return the features (B, T, D) that the head takes."""
        state = cache.state if cache is not None else None
        features_BTD, after = self.network(self.dropout(self.embedding(tokens_BT)), state)
        if cache is not None:
            cache.state, cache.length = after, cache.length + tokens_BT.shape[1]
        dropped: Tensor = self.dropout(features_BTD)
        return dropped

    def forward(self, tokens_BT: Tensor, cache: RecurrentCache | None = None) -> Tensor:
        """Return the logits (B, T, V)."""
        logits_BTV: Tensor = self.head(self.features(tokens_BT, cache))
        return logits_BTV

    def new_cache(self) -> RecurrentCache:
        """Return a cache that holds no token yet."""
        return RecurrentCache()


LanguageModel = TransformerLanguageModel | RecurrentLanguageModel
