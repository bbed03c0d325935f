"""Next character of Emma: two-layer LSTM with dropout."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from _common import FIXED, SAMPLES, seed_all


class CharLSTM(nn.Module):
    def __init__(self, vocab, embed=32, hidden=96):
        super().__init__()
        self.embed = nn.Embedding(vocab, embed)
        self.drop = nn.Dropout(0.3)
        self.lstm = nn.LSTM(embed, hidden, num_layers=2, dropout=0.3, batch_first=True)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, ids, state=None):
        h, state = self.lstm(self.drop(self.embed(ids)), state)
        return self.out(self.drop(h)), state


class Corpus:
    def __init__(self, path, size=160000, batch=32, length=50):
        text = path.read_text(encoding="utf-8")[2000:2000 + size].lower()
        self.alphabet = sorted(set(text))
        code = {c: k for k, c in enumerate(self.alphabet)}
        ids = torch.tensor([code[c] for c in text])
        cut = int(0.9 * size)
        self.length = length
        self.train = ids[:cut // batch * batch].view(batch, -1)
        self.val = ids[cut:cut + (size - cut) // 8 * 8].view(8, -1)

    def walk(self, columns):
        for start in range(0, columns.shape[1] - 1, self.length):
            stop = min(start + self.length, columns.shape[1] - 1)
            yield columns[:, start:stop], columns[:, start + 1:stop + 1]


def validate(model, corpus):
    if FIXED:
        model.eval()
    state, total, count = None, 0.0, 0
    with torch.no_grad():
        for x, y in corpus.walk(corpus.val):
            logits, state = model(x, state)
            total += F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum").item()
            count += y.numel()
    return total / count


def main():
    seed_all()
    corpus = Corpus(SAMPLES / "emma.txt")
    model = CharLSTM(len(corpus.alphabet))
    optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
    for epoch in range(5):
        model.train()
        state, losses = None, []
        for x, y in corpus.walk(corpus.train):
            if state is not None:
                state = tuple(s.detach() for s in state)
            logits, state = model(x, state)
            loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        val = validate(model, corpus)
        print(f"epoch {epoch + 1} train {sum(losses) / len(losses):.4f} val {val:.4f} bits {val / math.log(2):.4f}")
    print(f"final bits_per_char {val / math.log(2):.4f}")


if __name__ == "__main__":
    main()
