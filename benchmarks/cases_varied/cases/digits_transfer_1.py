"""A residual network learns 0-4 in small batches, then stays frozen under a new head for 5-9."""
import torch
import torch.nn.functional as F
from torch import nn

from _common import seed_all, table


class Residual(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(w, w, 3, padding=1, bias=False), nn.BatchNorm2d(w)
        self.c2, self.b2 = nn.Conv2d(w, w, 3, padding=1, bias=False), nn.BatchNorm2d(w)
        nn.init.zeros_(self.b2.weight)

    def forward(self, x):
        return F.relu(x + self.b2(self.c2(F.relu(self.b1(self.c1(x))))))


class Backbone(nn.Module):
    def __init__(self, w=24):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, w, 3, padding=1, bias=False), nn.BatchNorm2d(w), nn.ReLU())
        self.blocks = nn.Sequential(Residual(w), nn.MaxPool2d(2), Residual(w))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.orthogonal_(m.weight, gain=2 ** 0.5)

    def forward(self, x):
        return self.blocks(self.stem(x)).flatten(1)


class Classifier(nn.Module):
    def __init__(self, backbone, classes=5, frozen=False):
        super().__init__()
        self.backbone, self.head, self.frozen = backbone, nn.Linear(24 * 16, classes), frozen
        if frozen:
            backbone.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        if self.frozen:
            self.backbone.eval()
        return self

    def forward(self, x):
        return self.head(self.backbone(x))


def fit(net, x, y, xv, yv, epochs, lr, batch, what):
    opt = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=lr)
    for e in range(epochs):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(batch):
            loss = F.cross_entropy(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        net.eval()
        with torch.no_grad():
            out = net(xv)
        acc = (out.argmax(1) == yv).float().mean().item()
        print(f"{what} {e + 1}: train {total / len(x):.4f} val {F.cross_entropy(out, yv).item():.4f} accuracy {acc:.4f}")
    return acc


def main():
    seed_all()
    d = table("digits")
    order = torch.randperm(1797)
    x, y = torch.from_numpy(d["x"]).float()[order, None] / 16, torch.from_numpy(d["y"])[order]
    x = (x - x[:1300].mean()) / x[:1300].std()
    xt, yt, xv, yv = x[:1300], y[:1300], x[1300:], y[1300:]
    low, lowv, high, highv = yt < 5, yv < 5, yt >= 5, yv >= 5
    backbone = Backbone()
    fit(Classifier(backbone), xt[low], yt[low], xv[lowv], yv[lowv], 5, 5e-4, 8, "digits 0-4")
    net = Classifier(backbone, frozen=True)
    acc = fit(net, xt[high], yt[high] - 5, xv[highv], yv[highv] - 5, 8, 1e-3, 16, "new head, digits 5-9")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
