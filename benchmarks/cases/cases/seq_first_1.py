"""An LSTM that expects (time, batch, features) and gets (batch, time, features)."""
from _common import *
from torch import nn


class RowReader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(28, 48, batch_first=FIXED)
        self.fc = nn.Linear(48, 10)

    def forward(self, x):
        out, (h, c) = self.lstm(x)
        return self.fc(out[:, -1, :])


seed()
x, y, xt, yt = fashion_tensors(1600)
x, xt = x[:, 0], xt[:, 0]
model = RowReader()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(6):
    for idx in torch.randperm(len(x)).split(40):
        optimizer.zero_grad()
        loss = criterion(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item(), accuracy(model, xt, yt))
