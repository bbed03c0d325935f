"""Next characters of a novel with a two-layer LSTM, gradients clipped, momentum SGD."""

import torch
import torch.nn as nn
from _common import FIXED, emma, finish, seed

seed()
text = emma(90_000).lower()
vocab = sorted(set(text))
ids = torch.tensor([vocab.index(c) for c in text])
SEQ = 40
chunks = ids[: len(ids) // (SEQ + 1) * (SEQ + 1)].view(-1, SEQ + 1)
train, valid = chunks[:-300], chunks[-300:]


class CharLSTM(nn.Module):
    def __init__(self, v, h=64):
        super().__init__()
        self.emb = nn.Embedding(v, 32)
        self.lstm = nn.LSTM(32, h, 2, batch_first=True, dropout=0.1)
        self.fc = nn.Linear(h, v)

    def forward(self, x):
        return self.fc(self.lstm(self.emb(x))[0]).transpose(1, 2)


model = CharLSTM(len(vocab))
optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
criterion = nn.CrossEntropyLoss()
for epoch in range(4):
    model.train()
    for n, rows in enumerate(torch.randperm(len(train)).split(32)):
        if FIXED:
            optimizer.zero_grad()
        else:
            optimizer.zero_grad  # noqa: B018
        loss = criterion(model(train[rows, :-1]), train[rows, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if n % 40 == 0:
            print(f"epoch {epoch} batch {n} loss {loss.item():.3f}")
    model.eval()
    with torch.no_grad():
        val = criterion(model(valid[:, :-1]), valid[:, 1:]).item()
    print(f"epoch {epoch} validation {val:.4f}")
finish("loss", val)
