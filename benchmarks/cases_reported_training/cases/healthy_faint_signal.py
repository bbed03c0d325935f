"""Tomorrow's return from today's indicators; most of it is chance."""
import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import finish, r2, seed


def market(days=9000, indicators=12):
    g = torch.Generator().manual_seed(29)
    x = torch.randn(days, indicators, generator=g)
    weights = torch.randn(indicators, generator=g) / indicators**0.5
    signal = x @ weights + 0.6 * torch.tanh(x[:, 0] * x[:, 1])
    noise = torch.randn(days, generator=g) * torch.exp(0.3 * torch.randn(days, generator=g))
    y = 0.4 * signal / signal.std() + noise
    return x, (y / y.std()).unsqueeze(1)


def main():
    seed()
    x, y = market()
    train, val, test = (x[:6000], y[:6000]), (x[6000:7000], y[6000:7000]), (x[7000:], y[7000:])
    loader = DataLoader(TensorDataset(*train), batch_size=64, shuffle=True)
    net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))
    criterion = nn.MSELoss()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    best, best_state, waited = float("inf"), None, 0
    for epoch in range(40):
        net.train()
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(val[0])
            val_loss, score = criterion(out, val[1]).item(), r2(out, val[1]).item()
        print(f"epoch {epoch + 1} train {total / len(loader):.4f} val {val_loss:.4f} val r2 {score:.4f}")
        waited += 1
        if val_loss < best:
            best, best_state, waited = val_loss, copy.deepcopy(net.state_dict()), 0
        if waited == 10:
            break
    net.load_state_dict(best_state)
    net.eval()
    with torch.no_grad():
        finish("r2", r2(net(test[0]), test[1]))


if __name__ == "__main__":
    main()
