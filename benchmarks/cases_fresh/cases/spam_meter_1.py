"""A convolution over characters finds spam; precision, recall and accuracy are printed."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed, sms

seed()
texts, labels = sms()
spam = [i for i, k in enumerate(labels) if k]
ham = [i for i, k in enumerate(labels) if not k][: len(spam)]
pick = torch.tensor(spam + ham)[torch.randperm(len(spam) * 2, generator=torch.Generator().manual_seed(3))].tolist()
alphabet = " abcdefghijklmnopqrstuvwxyz0123456789.,!?'&*-/:()£#"
code = {c: i + 1 for i, c in enumerate(alphabet)}
X = torch.zeros(len(pick), 120, dtype=torch.long)
for r, i in enumerate(pick):
    for j, c in enumerate(" ".join(texts[i])[:120]):
        X[r, j] = code.get(c, 0)
Y = torch.tensor([int(labels[i]) for i in pick])


class CharCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(alphabet) + 1, 16)
        self.conv = nn.Conv1d(16, 48, 5)
        self.fc = nn.Linear(48, 2)

    def forward(self, x):
        h = torch.relu(self.conv(self.emb(x).transpose(1, 2))).amax(2)
        return torch.log_softmax(self.fc(h), 1)


def metrics(out, y):
    guess = (out.exp()[:, 1] if FIXED else out[:, 1]) > 0.5
    tp = (guess & (y == 1)).sum().item()
    return {
        "precision": tp / max(1, guess.sum().item()),
        "recall": tp / max(1, (y == 1).sum().item()),
        "accuracy": (guess == (y == 1)).float().mean().item(),
    }


model = CharCNN()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    for b in torch.randperm(850).split(25):
        opt.zero_grad()
        loss = nn.functional.nll_loss(model(X[b]), Y[b])
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        out = model(X[850:])
    score = metrics(out, Y[850:])
    print(epoch, f"loss {loss.item():.3f} val loss {nn.functional.nll_loss(out, Y[850:]).item():.3f}", score)
finish("accuracy", score["accuracy"])
