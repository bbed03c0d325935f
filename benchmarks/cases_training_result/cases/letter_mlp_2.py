"""Letters with a batch-normalised perceptron and a stepped learning rate."""
import numpy as np
import torch
from torch import nn, optim

from _common import FIXED, SAMPLES, seed_all


def load_letters(n_train=8000, n_val=3000):
    raw = np.genfromtxt(SAMPLES / "letter.csv", delimiter=",", skip_header=1, dtype=str, max_rows=n_train + n_val)
    labels = torch.tensor([ord(c.strip('"')) - 65 for c in raw[:, 0]])
    feats = torch.tensor(raw[:, 1:].astype(np.float32))
    mu, sd = feats[:n_train].mean(0), feats[:n_train].std(0)
    feats = (feats - mu) / sd
    return (feats[:n_train], labels[:n_train]), (feats[n_train:], labels[n_train:])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(16, 128)
        self.fc2 = nn.Linear(128, 128)
        self.fc3 = nn.Linear(128, 26)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = self.drop(torch.relu(self.fc2(x)))
        return self.fc3(x)


def train_one(net, opt, x, y):
    net.train()
    losses = []
    for idx in torch.randperm(len(x)).split(64):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x[idx]), y[idx])
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def check(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
    return nn.functional.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    seed_all()
    train, val = load_letters()
    net = Net()
    opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    sched = optim.lr_scheduler.MultiStepLR(opt, milestones=[9, 12], gamma=0.1 if FIXED else 10.0)
    for epoch in range(15):
        loss = train_one(net, opt, *train)
        val_loss, acc = check(net, *val)
        sched.step()
        print(f"epoch {epoch:2d} loss {loss:.4f} val_loss {val_loss:.4f} val_acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
