"""An LSTM reads messages letter by letter; gradients are clipped as the recipe for recurrent networks says."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed, sms

CLIP = 1.0 if FIXED else 1e-3


class Reader(nn.Module):
    def __init__(self, symbols, hidden=48):
        super().__init__()
        self.embedding = nn.Embedding(symbols, 24)
        self.lstm = nn.LSTM(24, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 2)

    def forward(self, x):
        return self.head(self.lstm(self.embedding(x))[0].amax(1))


seed()
texts, labels = sms()
spam = [i for i in range(len(labels)) if labels[i]][:480]
ham = [i for i in range(len(labels)) if not labels[i]][:480]
order = [i for pair in zip(spam, ham, strict=True) for i in pair]
characters = {c: i + 1 for i, c in enumerate("abcdefghijklmnopqrstuvwxyz0123456789 .,!?'&/:-")}
x = torch.tensor([([characters.get(c, 0) for c in " ".join(texts[i])] + [0] * 60)[:60] for i in order])
y = torch.tensor(labels[order])
model = Reader(len(characters) + 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
for epoch in range(10):
    for idx in torch.randperm(760).split(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x[760:]).argmax(1) == y[760:]).float().mean()
    print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
