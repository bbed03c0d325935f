"""Sigmoid in the network and BCEWithLogitsLoss outside."""
from _common import *
from torch import nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(1, 16, 9), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 16, 9), nn.ReLU(),
                                  nn.AdaptiveAvgPool1d(4), nn.Flatten())
        self.out = nn.Linear(64, 1)

    def forward(self, x):
        z = self.out(self.conv(x.unsqueeze(1)))
        return z if FIXED else torch.sigmoid(z)


seed()
x, y, xt, yt = gunpoint()
x, y = torch.cat([x, xt[:100]]), torch.cat([y, yt[:100]])
xt, yt = xt[100:], yt[100:]
model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
bce = nn.BCEWithLogitsLoss()
for epoch in range(60):
    model.train()
    for rows in torch.randperm(len(x)).split(16):
        optimizer.zero_grad()
        loss = bce(model(x[rows]), y[rows].float().unsqueeze(1))
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        model.eval()
        with torch.no_grad():
            out = model(xt).squeeze(1)
            print(epoch, loss.item(), bce(out, yt.float()).item(), ((out > (0.0 if FIXED else 0.5)) == yt.bool()).float().mean().item())
