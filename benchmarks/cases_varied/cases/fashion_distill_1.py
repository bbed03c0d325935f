"""A small student learns clothing from the softened answers of a convolutional teacher."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, seed_all

T = 3.0


def load():
    d = fashion()
    x, y = torch.from_numpy(d["x_train"]).float()[:, None] / 255, torch.from_numpy(d["y_train"]).long()
    xt, yt = torch.from_numpy(d["x_test"]).float()[:, None] / 255, torch.from_numpy(d["y_test"]).long()
    mu, sd = x.mean(), x.std()
    return (x - mu) / sd, y, (xt - mu) / sd, yt


def measure(net, x, y):
    net.eval()
    with torch.no_grad():
        out = net(x)
    return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def train_teacher(net, loader, x, y, epochs=4):
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for e in range(epochs):
        net.train()
        for xb, yb in loader:
            opt.zero_grad()
            F.cross_entropy(net(xb), yb).backward()
            opt.step()
        print("teacher epoch %d: nll %.4f accuracy %.4f" % (e + 1, *measure(net, x, y)))
    net.eval()
    for p in net.parameters():
        p.requires_grad_(False)


def distil(student, teacher, loader, x, y, epochs=12):
    opt = torch.optim.AdamW(student.parameters(), lr=1e-3, weight_decay=1e-2)
    for e in range(epochs):
        student.train()
        total = 0.0
        for xb, _ in loader:
            with torch.no_grad():
                wanted = F.softmax(teacher(xb) / T, dim=1)
            guess = student(xb) / T
            guess = F.log_softmax(guess, dim=1) if FIXED else F.softmax(guess, dim=1)
            loss = F.kl_div(guess, wanted, reduction="batchmean") * T * T
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        nll, acc = measure(student, x, y)
        print(f"student epoch {e + 1}: loss {total / len(loader):.4f} nll {nll:.4f} accuracy {acc:.4f}")
    return nll


def main():
    seed_all()
    x, y, xt, yt = load()
    loader = DataLoader(TensorDataset(x[:5000], y[:5000]), batch_size=64, shuffle=True)
    teacher = nn.Sequential(nn.Conv2d(1, 12, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(),
                            nn.Flatten(), nn.Dropout(0.3), nn.Linear(24 * 49, 10))
    student = nn.Sequential(nn.Flatten(), nn.Linear(784, 48), nn.ReLU(), nn.Linear(48, 10))
    train_teacher(teacher, loader, xt, yt)
    nll = distil(student, teacher, loader, xt, yt)
    print(f"final nll {nll:.4f}")


if __name__ == "__main__":
    main()
