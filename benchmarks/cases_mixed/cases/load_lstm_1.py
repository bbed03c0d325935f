"""The next hour's load from the last day, with an LSTM."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, load_curve, seed_all

WINDOW = 24


class Windows(Dataset):
    def __init__(self, inputs, targets):
        self.inputs, self.targets = inputs, targets

    def __len__(self):
        return (len(self.inputs) - WINDOW - 1) // 2

    def __getitem__(self, i):
        i = 2 * i
        return self.inputs[i:i + WINDOW].unsqueeze(1), self.targets[i + WINDOW]


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        h, _ = self.lstm(x)
        return self.out(h[:, -1]).squeeze(1)


def r2(pred, y):
    return 1 - ((pred - y) ** 2).mean().item() / y.var(unbiased=False).item()


def main():
    seed_all()
    load = torch.from_numpy(load_curve())[:7000]
    cut = 5600
    mean, std = load[:cut].mean(), load[:cut].std()
    target = (load - mean) / std
    inputs = target if FIXED else load
    train = DataLoader(Windows(inputs[:cut], target[:cut]), batch_size=64, shuffle=True)
    val = DataLoader(Windows(inputs[cut:], target[cut:]), batch_size=256)
    net, mse = Forecaster(), nn.MSELoss()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(10):
        net.train()
        total = 0.0
        for x, y in train:
            opt.zero_grad()
            loss = mse(net(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            pairs = [(net(x), y) for x, y in val]
            pred, y = (torch.cat(t) for t in zip(*pairs))
        print(f"epoch {epoch}: train mse {total / len(train):.4f} val mse {mse(pred, y).item():.4f} r2 {r2(pred, y):.4f}")
    print(f"final r2 {r2(pred, y):.4f}")


if __name__ == "__main__":
    main()
