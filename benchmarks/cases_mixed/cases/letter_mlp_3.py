"""Letters with a deeper perceptron."""
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, letters, seed_all


class DeepNet(nn.Module):
    def __init__(self, sizes=(16, 128, 128, 64, 26)):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:]))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x)) if FIXED else layer(x)
        return self.layers[-1](x)


def main():
    seed_all()
    x, y = letters()
    x, y = torch.from_numpy(x[:8000]), torch.from_numpy(y[:8000])
    x = (x - x[:6500].mean(0)) / x[:6500].std(0)
    xt, yt, xv, yv = x[:6500], y[:6500], x[6500:], y[6500:]
    net = DeepNet()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 15)
    for epoch in range(15):
        net.train()
        seen = 0.0
        for idx in torch.randperm(len(xt)).split(64):
            opt.zero_grad()
            loss = F.cross_entropy(net(xt[idx]), yt[idx])
            loss.backward()
            opt.step()
            seen += loss.item() * len(idx)
        sched.step()
        net.eval()
        with torch.no_grad():
            out = net(xv)
            vl, acc = F.cross_entropy(out, yv).item(), (out.argmax(1) == yv).float().mean().item()
        print(f"[{epoch + 1}/15] train {seen / len(xt):.4f} val {vl:.4f} acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
