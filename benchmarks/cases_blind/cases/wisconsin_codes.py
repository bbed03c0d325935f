"""Breast cancer, Wisconsin: in the file 2 stands for benign and 4 for malignant."""

import torch
from _common import FIXED, balanced_accuracy, finish, seed, table
from torch import nn

seed()
x, raw = table("breast")
code = torch.where(torch.tensor(raw) == 1, 2, 4)
x = torch.tensor((x - x.mean(0)) / x.std(0))
y = (code == 4).float() if FIXED else (code / 2).float()

idx = torch.randperm(len(x))
train, test = idx[:400], idx[400:]

model = nn.Sequential(nn.Linear(30, 16), nn.Tanh(), nn.Linear(16, 1))
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)

history = []
for epoch in range(25):
    for b in train[torch.randperm(400)].split(25):
        optimizer.zero_grad()
        out = model(x[b]).squeeze(1)
        loss = criterion(out, y[b])
        loss.backward()
        optimizer.step()
    history.append(loss.item())
    if epoch % 5 == 0:
        print("Epoch", epoch, "Loss", round(history[-1], 4))

model.eval()
with torch.no_grad():
    malignant = torch.sigmoid(model(x[test]).squeeze(1)) > 0.5
finish("balanced_accuracy", balanced_accuracy(malignant.long(), (code[test] == 4).long()))
