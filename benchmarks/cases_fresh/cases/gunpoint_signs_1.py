"""Gun or point: a fully convolutional network on motion curves with signed labels."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed, series

seed()
xt, yt = (torch.tensor(a) for a in series("GunPoint", "TEST"))
xe, ye = (torch.tensor(a) for a in series("GunPoint", "TRAIN"))
signs = (2.0 * yt - 1.0).unsqueeze(1)
if FIXED:
    signs = (signs + 1) / 2


class FCN(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, width, 8, padding="same"),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Conv1d(width, width, 5, padding="same"),
            nn.BatchNorm1d(width),
            nn.ReLU(),
        )
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.body(x[:, None]).mean(-1))


net = FCN()
crit = nn.BCEWithLogitsLoss()
opt = torch.optim.Adam(net.parameters(), 5e-3)
for epoch in range(60):
    net.train()
    order = torch.randperm(len(xt))
    for part in order.split(15):
        opt.zero_grad()
        loss = crit(net(xt[part]), signs[part])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        out = net(xe)[:, 0]
    acc = ((out > 0) == (ye == 1)).float().mean().item()
    if epoch % 3 == 2:
        print(f"epoch {epoch} loss {loss.item():.4f} acc {acc:.3f}")
finish("accuracy", acc)
