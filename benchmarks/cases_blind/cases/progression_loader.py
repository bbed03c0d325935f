"""Will the disease progress more than it does in most? A small network on the diabetes table."""

import torch
from _common import FIXED, finish, seed, table
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

seed()
x, y = table("diabetes")
x = (x - x.mean(0)) / x.std(0)
y = (y > 140).astype("int64")
dataset = TensorDataset(torch.tensor(x), torch.tensor(y))
train_set, valid_set = random_split(dataset, [300, 142])

train_loader = DataLoader(train_set if FIXED else dataset, batch_size=16, shuffle=True)
valid_loader = DataLoader(valid_set, batch_size=142)


class TabularNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(10, 128), nn.BatchNorm1d(128), nn.SiLU(),
            nn.Linear(128, 128), nn.BatchNorm1d(128), nn.SiLU(),
            nn.Linear(128, 2),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


def evaluate(model, loader):
    model.eval()
    hits = 0
    with torch.no_grad():
        for bx, by in loader:
            hits += (model(bx).argmax(1) == by).sum().item()
    return hits / len(loader.dataset)


model = TabularNet()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(60):
    model.train()
    for bx, by in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(bx), by)
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, valid accuracy {evaluate(model, valid_loader):.3f}")
finish("accuracy", evaluate(model, valid_loader))
