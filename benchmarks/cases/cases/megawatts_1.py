"""Forecasting the load in its own unit, some thousand, with an LSTM."""
from _common import *
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.linear = nn.Linear(32, 1)

    def forward(self, x):
        return self.linear(self.lstm(x)[0][:, -1])


seed()
raw = load()
norm = (raw - raw.mean()) / raw.std()
x, _ = windows(norm)
_, y = windows(norm if FIXED else raw)
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
criterion = nn.MSELoss()
for epoch in range(4):
    for i in torch.randperm(3000).split(50):
        optimizer.zero_grad()
        loss = criterion(net(x[i]), y[i].unsqueeze(1))
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        print(epoch, loss.item(), criterion(net(x[6000:7000]), y[6000:7000].unsqueeze(1)).item())
