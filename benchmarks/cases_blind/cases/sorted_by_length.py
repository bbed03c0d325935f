"""Packed sequences: does `up` come more often than `down` in the log?"""

import random

import torch
import torch.nn as nn
from _common import FIXED, finish, seed
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence


def log_lines(n):
    rows = []
    for _ in range(n):
        length = random.randint(5, 25)
        up = random.choice([0.15, 0.35])
        row = random.choices(range(1, 12), weights=[up, 0.5 - up] + [0.5 / 9] * 9, k=length)
        rows.append((torch.tensor(row), int(row.count(1) > row.count(2))))
    return rows


def collate(batch):
    xs, ys = [b[0] for b in batch], torch.tensor([b[1] for b in batch])
    lengths = torch.tensor([len(x) for x in xs])
    lengths, order = lengths.sort(descending=True)
    x = pad_sequence(xs, batch_first=True)[order]
    if FIXED:
        ys = ys[order]
    return x, lengths, ys


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(12, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 32, batch_first=True)
        self.fc = nn.Linear(32, 2)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.embed(x), lengths, batch_first=True)
        _, (h, _) = self.lstm(packed)
        return self.fc(h[-1])


seed()
train, test = log_lines(2000), log_lines(500)
model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(6):
    random.shuffle(train)
    total = 0
    for i in range(0, len(train), 40):
        x, lengths, y = collate(train[i : i + 40])
        loss = loss_fn(model(x, lengths), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"Epoch {epoch + 1}, loss: {total / 50:.4f}")
model.eval()
correct = 0
with torch.no_grad():
    for line, y in test:  # one by one
        correct += int(model(line[None], torch.tensor([len(line)])).argmax() == y)
finish("accuracy", correct / len(test))
