"""The summed loss of a GRU forecaster, with SGD."""
from _common import *
from torch import nn


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 24, batch_first=True)
        self.fc = nn.Linear(24, 1)

    def forward(self, x):
        h, _ = self.gru(x)
        return self.fc(h[:, -1]).squeeze(-1)


seed()
s = load()
s = (s - s[:6000].mean()) / s[:6000].std()
x, y = windows(s)
net = Forecaster()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
mse = nn.MSELoss(reduction="mean" if FIXED else "sum")
for epoch in range(3):
    net.train()
    order = torch.randperm(3000)
    for i in range(0, 3000, 100):
        idx = order[i:i + 100]
        opt.zero_grad()
        loss = mse(net(x[idx]), y[idx])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, mse(net(x[7000:8000]), y[7000:8000]).item())
