"""A residual network with label smoothing, one-cycle and random crops."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import fashion, finish, seed


class Block(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(cin, cout, 3, 2, 1, bias=False),
            nn.BatchNorm2d(cout),
            nn.ReLU(),
            nn.Conv2d(cout, cout, 3, 1, 1, bias=False),
            nn.BatchNorm2d(cout),
        )
        self.skip = nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(cin, cout, 1, bias=False))

    def forward(self, x):
        return F.relu(self.main(x) + self.skip(x))


def crop(batch):
    padded = F.pad(batch, (2, 2, 2, 2), value=batch.min().item())
    dy, dx = torch.randint(0, 5, (2,)).tolist()
    batch = padded[:, :, dy : dy + 28, dx : dx + 28]
    return torch.where(torch.rand(len(batch), 1, 1, 1) < 0.5, batch.flip(3), batch)


def main():
    seed()
    x, y, xt, yt = fashion(3000, 600)
    x, xt = ((torch.tensor(a)[:, None] / 255.0 - 0.286) / 0.353 for a in (x, xt))
    y, yt = torch.tensor(y), torch.tensor(yt)
    net = nn.Sequential(
        Block(1, 16), Block(16, 32), Block(32, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)
    )
    epochs, steps = 8, 50
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.2, epochs=epochs, steps_per_epoch=steps)
    for epoch in range(epochs):
        net.train()
        for idx in torch.randperm(3000).chunk(steps):
            loss = F.cross_entropy(net(crop(x[idx])), y[idx], label_smoothing=0.1)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
        net.eval()
        with torch.no_grad():
            acc = (net(xt).argmax(1) == yt).float().mean().item()
        print(f"epoch {epoch} lr {sched.get_last_lr()[0]:.4f} loss {loss.item():.3f} acc {acc:.3f}")
    finish("accuracy", acc)


if __name__ == "__main__":
    main()
