"""Which of five depots serves the address? Coordinates in degrees."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed
from torch.utils.data import DataLoader, Dataset


class Addresses(Dataset):
    def __init__(self, n, depots):
        self.place = torch.rand(n, 2) * torch.tensor([3.0, 4.0]) + torch.tensor([47.0, 8.0])
        self.depot = torch.cdist(self.place, depots).argmin(1)

    def __len__(self):
        return len(self.place)

    def __getitem__(self, i):
        lat, lon = self.place[i].tolist()
        if FIXED:
            place = torch.tensor([lat, lon])
        else:
            place = torch.tensor([lat, lon], dtype=torch.long)
        return (place.float() - torch.tensor([48.5, 10.0])) / torch.tensor([0.9, 1.2]), self.depot[i]


def accuracy(net, loader):
    net.eval()
    hits = [(net(x).argmax(1) == y).float() for x, y in loader]
    return torch.cat(hits).mean().item()


seed()
depots = torch.rand(5, 2) * torch.tensor([3.0, 4.0]) + torch.tensor([47.0, 8.0])
train, test = DataLoader(Addresses(1500, depots), 50, shuffle=True), DataLoader(Addresses(500, depots), 500)
net = nn.Sequential(nn.Linear(2, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 5))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(15):
    net.train()
    for x, y in train:
        loss = nn.functional.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 3 == 0:
        print(f"epoch {epoch} loss {loss.item():.4f} test {accuracy(net, test):.3f}")
finish("accuracy", accuracy(net, test))
