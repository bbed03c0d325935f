"""Tomorrow's load curve from the last two days, with convolutions and an L2 penalty."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, load_curve, seed_all

PAST, AHEAD = 48, 24
L2 = 1e-5 if FIXED else 0.1


class ConvForecaster(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.conv = nn.ModuleList([nn.Conv1d(1, channels, 3, padding=1),
                                   nn.Conv1d(channels, channels, 3, stride=2, padding=1),
                                   nn.Conv1d(channels, channels, 3, stride=2, padding=1)])
        self.out = nn.Linear(channels * PAST // 4, AHEAD)

    def forward(self, x):
        x = x.unsqueeze(1)
        for layer in self.conv:
            x = F.relu(layer(x))
        return self.out(x.flatten(1))


def penalty(net):
    return sum(p.pow(2).sum() for p in net.parameters())


def windows(values, stride):
    cuts = values.unfold(0, PAST + AHEAD, stride)
    return cuts[:, :PAST].contiguous(), cuts[:, PAST:].contiguous()


def main():
    seed_all()
    load = torch.from_numpy(load_curve())
    cut = 7000
    load = (load - load[:cut].mean()) / load[:cut].std()
    x, y = windows(load[:cut], 3)
    xv, yv = windows(load[cut:], 3)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    net = ConvForecaster()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(15):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            fit = F.mse_loss(net(xb), yb)
            loss = fit + L2 * penalty(net)
            loss.backward()
            opt.step()
            total += fit.item()
        net.eval()
        with torch.no_grad():
            val = F.mse_loss(net(xv), yv).item()
        r2 = 1 - val / yv.var().item()
        print(f"epoch {epoch + 1}: train mse {total / len(loader):.4f} val mse {val:.4f} r2 {r2:.4f}")
    print(f"final r2 {r2:.4f}")


if __name__ == "__main__":
    main()
