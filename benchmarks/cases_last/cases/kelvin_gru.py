"""A furnace's next temperature change from the last day's temperatures."""

import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed


def furnace(hours):
    """Return temperatures in kelvin, as the sensor gives them."""
    level, drive, out = 0.0, 0.0, []
    for hour in range(hours):
        if hour % 12 == 0:
            drive = torch.randn(()).item()
        level = 0.9 * level + drive + 0.25 * torch.randn(()).item()
        out.append(level)
    return 800 + 2.0 * torch.tensor(out)


class Net(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        _, h = self.gru(x)
        return self.out(h[-1]).squeeze(1)


seed()
kelvin = furnace(3000)
readings = (kelvin - kelvin[:2400].mean()) / kelvin[:2400].std() if FIXED else kelvin
change = kelvin[24:] - kelvin[23:-1]
change = change / change[:2376].std()
x = torch.stack([readings[i : i + 24] for i in range(len(change))])[:, :, None]
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(12):
    for idx in torch.randperm(2350).split(50):
        loss = nn.functional.mse_loss(net(x[idx]), change[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        score = r2(net(x[2400:]), change[2400:])
    print(f"epoch {epoch + 1} loss {loss.item():.4f} r2 {score:.4f}")
finish("r2", score)
