"""Letter recognition: a two-layer perceptron on sixteen features."""
import csv

import torch
import torch.nn as nn
import torch.nn.functional as F

from _common import FIXED, SAMPLES, seed_all

N_HIDDEN = 128 if FIXED else 4


def load_letters():
    with open(SAMPLES / "letter.csv") as f:
        rows = list(dict.fromkeys(map(tuple, csv.reader(f))))[1:]
    x = [[float(v) for v in row[1:]] for row in rows]
    y = [ord(row[0]) - 65 for row in rows]
    return torch.tensor(x[:12000]), torch.tensor(y[:12000])


class MLP(nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.hidden1 = nn.Linear(n_in, n_hidden)
        self.hidden2 = nn.Linear(n_hidden, n_hidden)
        self.out = nn.Linear(n_hidden, n_out)

    def forward(self, x):
        x = F.gelu(self.hidden1(x))
        x = F.gelu(self.hidden2(x))
        return self.out(x)


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(-1) == y).float().mean().item()


seed_all()
x, y = load_letters()
x_train, y_train, x_test, y_test = x[:10000], y[:10000], x[10000:], y[10000:]
mu, sigma = x_train.mean(0), x_train.std(0)
x_train, x_test = (x_train - mu) / sigma, (x_test - mu) / sigma

net = MLP(16, N_HIDDEN, 26)
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
steps = 0
for epoch in range(15):
    net.train()
    epoch_loss = 0.0
    for idx in torch.randperm(len(x_train)).split(100):
        loss = F.cross_entropy(net(x_train[idx]), y_train[idx])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(idx)
        steps += 1
    print(f"epoch {epoch + 1} ({steps} steps): loss {epoch_loss / len(x_train):.4f}, "
          f"train acc {accuracy(net, x_train[:2000], y_train[:2000]):.4f}, "
          f"test acc {accuracy(net, x_test, y_test):.4f}")
print(f"final accuracy {accuracy(net, x_test, y_test):.4f}")
