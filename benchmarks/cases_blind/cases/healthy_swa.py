"""Stochastic weight averaging with the library's tools: high constant rate at the end, norms updated after it."""

import torch
import torch.nn as nn
from _common import fashion, finish, seed
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset

seed()
xa, ya, xb, yb = fashion(2000, 500)
xa, xb = ((torch.tensor(v).float()[:, None] - 73) / 90 for v in (xa, xb))
loader = DataLoader(TensorDataset(xa, torch.tensor(ya)), batch_size=50, shuffle=True)
model = nn.Sequential(
    nn.Conv2d(1, 16, 5, 2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU(),
    nn.Flatten(), nn.Linear(400, 10),
)  # fmt: skip
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
averaged = AveragedModel(model)
swa_scheduler = SWALR(optimizer, swa_lr=0.03, anneal_epochs=2)
for epoch in range(12):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    if epoch >= 6:
        averaged.update_parameters(model)
        swa_scheduler.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
update_bn(loader, averaged)
averaged.eval()
with torch.no_grad():
    finish("accuracy", (averaged(xb).argmax(1) == torch.tensor(yb)).float().mean())
