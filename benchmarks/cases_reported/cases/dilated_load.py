"""How the load will change in the next hour, at every hour of a window: dilated convolutions over two days."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from _common import FIXED, finish, load, r2, seed

WINDOW = 48


def data():
    series = np.diff(load()[:7000])
    cut = 5500
    series = torch.tensor((series - series[:cut].mean()) / series[:cut].std())
    windows = series.unfold(0, WINDOW + 1, 1)
    return windows[: cut - WINDOW], windows[cut:]


class TemporalBlock(nn.Module):
    def __init__(self, n_in, n_out, kernel, dilation):
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.conv = nn.Conv1d(n_in, n_out, kernel, dilation=dilation)
        self.skip = nn.Conv1d(n_in, n_out, 1)

    def forward(self, x):
        before = self.reach if FIXED else self.reach // 2
        out = self.conv(F.pad(x, (before, self.reach - before)))
        return F.relu(out) + self.skip(x)


class TCN(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        blocks = [TemporalBlock(1 if i == 0 else width, width, 3, 2**i) for i in range(4)]
        self.blocks = nn.Sequential(*blocks)
        self.out = nn.Conv1d(width, 1, 1)

    def forward(self, x):
        return self.out(self.blocks(x.unsqueeze(1))).squeeze(1)


@torch.no_grad()
def next_hour(net, windows):
    """The forecast that counts: the hour after the window, of which nothing is known yet."""
    net.eval()
    guess = torch.cat([net(part[:, :-1])[:, -1] for part in windows.split(256)])
    return r2(guess, windows[:, -1])


def main():
    seed()
    train, test = data()
    net = TCN()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(5):
        net.train()
        losses = []
        for pick in torch.randperm(len(train)).split(64):
            part = train[pick]
            loss = F.mse_loss(net(part[:, :-1]), part[:, 1:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} train loss {np.mean(losses):.4f} next hour r2 {next_hour(net, test):.4f}")
    finish("r2", next_hour(net, test))


if __name__ == "__main__":
    main()
