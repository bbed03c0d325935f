"""Sequence to sequence: write a word of the novel backwards."""

import torch
import torch.nn as nn
from _common import FIXED, emma, finish, seed

PAD, START, END = 0, 1, 2


class Encoder(nn.Module):
    def __init__(self, symbols, hidden):
        super().__init__()
        self.embedding = nn.Embedding(symbols, 32, padding_idx=PAD)
        self.gru = nn.GRU(32, hidden, batch_first=True)

    def forward(self, tokens, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False
        )
        return self.gru(packed)[1]


class Decoder(nn.Module):
    def __init__(self, symbols, hidden):
        super().__init__()
        self.embedding = nn.Embedding(symbols, 32, padding_idx=PAD)
        self.gru = nn.GRU(32, hidden, batch_first=True)
        self.out = nn.Linear(hidden, symbols)

    def forward(self, tokens, hidden=None):
        output, hidden = self.gru(self.embedding(tokens), hidden)
        return self.out(output), hidden


class Seq2Seq(nn.Module):
    def __init__(self, symbols, hidden=128):
        super().__init__()
        self.encoder, self.decoder = Encoder(symbols, hidden), Decoder(symbols, hidden)

    def forward(self, source, lengths, target):
        hidden = self.encoder(source, lengths)
        if FIXED:
            logits, hidden = self.decoder(target, hidden)
        else:
            logits, hidden = self.decoder(target)
        return logits


seed()
words = sorted({w for w in emma(200_000).lower().split() if w.isascii() and w.isalpha() and 3 <= len(w) <= 7})
words = [words[i] for i in torch.randperm(len(words)).tolist()]
code = {c: i + 3 for i, c in enumerate("abcdefghijklmnopqrstuvwxyz")}


def rows(items, length):
    return torch.tensor([item + [PAD] * (length - len(item)) for item in items])


numbers = [[code[c] for c in w] for w in words]
source, lengths = rows(numbers, 7), torch.tensor([len(n) for n in numbers])
target = rows([[START, *n[::-1], END] for n in numbers], 9)
test = 400
model = Seq2Seq(29)
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
for epoch in range(7):
    for idx in (test + torch.randperm(len(words) - test)).split(64):
        out = model(source[idx], lengths[idx], target[idx, :-1])
        loss = criterion(out.flatten(0, 1), target[idx, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        out = model(source[:test], lengths[:test], target[:test, :-1]).argmax(2)
    known = target[:test, 1:] != PAD
    accuracy = (out == target[:test, 1:])[known].float().mean()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} letters right {accuracy:.4f}")
finish("accuracy", accuracy)
