"""Written dates to ISO form: GRU encoder-decoder with attention, trained with teacher forcing."""
import datetime
import random

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from _common import seed_all

PAD, START = 0, 1
CHARS = {c: k + 2 for k, c in enumerate("0123456789-/., abcdefghijklmnopqrstuvwxyz")}
FORMATS = ["%d %B %Y", "%B %d, %Y", "%d/%m/%Y", "%b %d %Y", "%A, %d %b %Y"]


def make(n=2900):
    rng = random.Random(8)
    days = rng.sample(range(36500), n)
    source, target = [], []
    for day in days:
        date = datetime.date(1950, 1, 1) + datetime.timedelta(days=day)
        text = date.strftime(rng.choice(FORMATS)).lower()
        source.append([CHARS[c] for c in text] + [PAD] * (30 - len(text)))
        target.append([START] + [CHARS[c] for c in date.isoformat()])
    return torch.tensor(source), torch.tensor(target)


class Seq2Seq(nn.Module):
    def __init__(self, dim=24, hidden=40):
        super().__init__()
        self.embed = nn.Embedding(len(CHARS) + 2, dim, padding_idx=PAD)
        self.encoder = nn.GRU(dim, hidden, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(hidden, hidden)
        self.keys = nn.Linear(2 * hidden, hidden)
        self.decoder = nn.GRU(dim, hidden, batch_first=True)
        self.out = nn.Linear(3 * hidden, len(CHARS) + 2)

    def encode(self, source):
        memory, last = self.encoder(self.embed(source))
        return memory, torch.tanh(self.bridge(last[1:])), source == PAD

    def decode(self, tokens, state, memory, mask):
        h, state = self.decoder(self.embed(tokens), state)
        scores = (h @ self.keys(memory).transpose(1, 2)) / h.shape[-1] ** 0.5
        weights = scores.masked_fill(mask[:, None], -1e9).softmax(2)
        return self.out(torch.cat([h, weights @ memory], 2)), state

    def forward(self, source, target):
        memory, state, mask = self.encode(source)
        return self.decode(target, state, memory, mask)[0]

    @torch.no_grad()
    def translate(self, source, length=10):
        memory, state, mask = self.encode(source)
        token = torch.full((len(source), 1), START)
        written = []
        for _ in range(length):
            logits, state = self.decode(token, state, memory, mask)
            token = logits.argmax(2)
            written.append(token)
        return torch.cat(written, 1)


seed_all()
source, target = make()
loader = DataLoader(TensorDataset(source[:2500], target[:2500]), batch_size=25, shuffle=True)
model = Seq2Seq()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for epoch in range(5):
    model.train()
    total = 0.0
    for s, t in loader:
        logits = model(s, t[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), t[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        forced = F.cross_entropy(model(source[2500:], target[2500:, :-1]).flatten(0, 1), target[2500:, 1:].flatten()).item()
    exact = (model.translate(source[2500:]) == target[2500:, 1:]).all(1).float().mean().item()
    print(f"epoch {epoch + 1} train {total / len(loader):.4f} val {forced:.4f} exact {exact:.4f}")
print(f"final exact_match {exact:.4f}")
