"""Tagging with a bidirectional LSTM: which letters belong to a word of more than six?"""

import torch
import torch.nn as nn
from _common import emma, finish, seed

seed()
text = emma(90_000)
alphabet = {c: i for i, c in enumerate(sorted(set(text.lower())))}
letters_, tags = [], []
word = ""
for c in text + " ":
    if c.isalpha():
        word += c
        continue
    tags += [int(len(word) > 6)] * len(word) + [0]
    letters_ += [*word.lower(), c]
    word = ""
x = torch.tensor([alphabet.get(c, 0) for c in letters_])[: len(letters_) // 60 * 60].view(-1, 60)
y = torch.tensor(tags)[: x.numel()].view(-1, 60)
order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
train, held = order[:1100], order[1100:]


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(alphabet), 16)
        self.lstm = nn.LSTM(16, 32, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(64, 2)

    def forward(self, x):
        return self.linear(self.lstm(self.embed(x))[0])


def macro_f1(guess, truth):
    scores = []
    for k in (0, 1):
        tp = ((guess == k) & (truth == k)).sum().item()
        scores.append(2 * tp / max(1, (guess == k).sum().item() + (truth == k).sum().item()))
    return sum(scores) / 2


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(5):
    for idx in train[torch.randperm(len(train))].split(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[idx]).transpose(1, 2), y[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        guess = model(x[held]).argmax(-1)
    print(f"epoch {epoch}: loss {loss.item():.4f} macro F1 {macro_f1(guess, y[held]):.4f}")
finish("f1", macro_f1(guess, y[held]))
