"""Clothes with a batch-normalised network whose settings come from a TensorFlow recipe."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, seed_all

BN = dict(eps=1e-3, momentum=0.1 if FIXED else 0.001)


def unit(c_in, c_out, stride):
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False), nn.BatchNorm2d(c_out, **BN), nn.SiLU())


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(unit(1, 12, 2), unit(12, 24, 2), unit(24, 32, 2))
        self.classifier = nn.Linear(32, 10)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def tensors(images, labels):
    x = (torch.from_numpy(images).float().unsqueeze(1) / 255 - 0.286) / 0.353
    return x, torch.from_numpy(labels).long()


def main():
    seed_all()
    d = fashion()
    x, y = tensors(d["x_train"], d["y_train"])
    xv, yv = tensors(d["x_test"], d["y_test"])
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True, drop_last=True)
    net = ConvNet()
    opt = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 5 * len(loader))
    for epoch in range(5):
        net.train()
        total = right = 0.0
        for xb, yb in loader:
            out = net(xb)
            loss = F.cross_entropy(out, yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item()
            right += (out.argmax(1) == yb).float().mean().item()
        net.eval()
        with torch.no_grad():
            out = net(xv)
        val, acc = F.cross_entropy(out, yv).item(), (out.argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch + 1}: train {total / len(loader):.4f} ({right / len(loader):.4f}) val {val:.4f} ({acc:.4f})")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
