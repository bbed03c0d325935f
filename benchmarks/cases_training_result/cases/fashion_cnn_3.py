"""Large-batch training: batches of 300, SGD at a rate of 0.5 with warm-up and cosine decay."""
import math

import numpy as np
import torch
from torch import nn

from _common import SAMPLES, seed_all

BATCH, EPOCHS, PEAK, WARM = 300, 8, 0.5, 30


def images(d, part):
    x = torch.from_numpy(d["x_" + part]).float().reshape(-1, 1, 28, 28) / 255
    return (x - 0.286) / 0.353, torch.from_numpy(d["y_" + part]).long()


def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, 2, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(32 * 9, 10))


def main():
    seed_all()
    with np.load(SAMPLES / "fashion.npz") as d:
        (xt, yt), (xv, yv) = images(d, "train"), images(d, "test")
    net = network()
    steps = EPOCHS * (len(xt) // BATCH)
    opt = torch.optim.SGD(net.parameters(), lr=PEAK, momentum=0.9, nesterov=True, weight_decay=2e-4)

    def factor(s):
        return (s + 1) / WARM if s < WARM else 0.5 * (1 + math.cos(math.pi * (s - WARM) / (steps - WARM)))

    sched = torch.optim.lr_scheduler.LambdaLR(opt, factor)
    ce = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(EPOCHS):
        net.train()
        losses = []
        for idx in torch.randperm(len(xt)).split(BATCH):
            opt.zero_grad()
            loss = ce(net(xt[idx]), yt[idx])
            loss.backward()
            opt.step()
            sched.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            out = net(xv)
            val, acc = ce(out, yv).item(), (out.argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch + 1} train {np.mean(losses):.4f} val {val:.4f} acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
