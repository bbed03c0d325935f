"""Plain convolutional network with He initialisation."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, TensorDataset

seed()
args = {"lr": 0.03 if FIXED else 0.4, "momentum": 0.9, "batch": 50, "epochs": 6}


def make_net():
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 49, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    for m in net:
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            nn.init.zeros_(m.bias)
    nn.init.normal_(net[-1].weight, std=0.01)
    return net


xt, yt, xv, yv = fashion(2500, 500)
xt, xv = (torch.tensor(v).float().unsqueeze(1) / 255 for v in (xt, xv))
yt, yv = torch.tensor(yt), torch.tensor(yv)
loader = DataLoader(TensorDataset(xt, yt), args["batch"], shuffle=True)
net = make_net()
opt = torch.optim.SGD(net.parameters(), args["lr"], args["momentum"])
for epoch in range(args["epochs"]):
    for x, y in loader:
        loss = nn.functional.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        acc = (net(xv).argmax(1) == yv).float().mean().item()
    print(epoch, f"{loss.item():.3f}", f"{acc:.3f}")
finish("accuracy", acc)
