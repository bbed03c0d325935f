"""A network of three characters of context, written with bare tensors."""

import torch
import torch.nn.functional as F
from _common import FIXED, emma, finish, seed

seed()
words = sorted({w for w in emma(250_000).lower().split() if w.isascii() and w.isalpha()})
words = [words[i] for i in torch.randperm(len(words)).tolist()]
stoi = {c: i + 1 for i, c in enumerate("abcdefghijklmnopqrstuvwxyz")} | {".": 0}
block = 3


def build(words):
    X, Y = [], []
    for w in words:
        context = [0] * block
        for ch in w + ".":
            X.append(context)
            Y.append(stoi[ch])
            context = [*context[1:], stoi[ch]]
    return torch.tensor(X), torch.tensor(Y)


n = int(0.9 * len(words))
Xtr, Ytr = build(words[:n])
Xte, Yte = build(words[n:])
C = torch.randn(27, 10)
W1 = torch.randn(30, 100) * (5 / 3) / 30**0.5
b1 = torch.zeros(100)
W2 = torch.randn(100, 27) * 0.01
b2 = torch.zeros(27)
parameters = [C, W1, b1, W2, b2]
for p in parameters:
    p.requires_grad = True

for i in range(4000):
    ix = torch.randint(0, len(Xtr), (64,))
    h = torch.tanh(C[Xtr[ix]].view(-1, 30) @ W1 + b1)
    loss = F.cross_entropy(h @ W2 + b2, Ytr[ix])
    if FIXED:
        for p in parameters:
            p.grad = None
    loss.backward()
    lr = 0.1 if i < 3000 else 0.02
    for p in parameters:
        p.data += -lr * p.grad
    if i % 500 == 0:
        print(f"{i:5d} {loss.item():.4f}")

with torch.no_grad():
    h = torch.tanh(C[Xte].view(-1, 30) @ W1 + b1)
    finish("test_loss", F.cross_entropy(h @ W2 + b2, Yte))
