"""Online learning: each row is seen once, as it comes, with a step of its own."""

import torch
import torch.nn as nn
from _common import finish, letters, seed

seed()
x, y = letters(9000)
x, y = torch.tensor((x - x[:500].mean(0)) / x[:500].std(0)), torch.tensor(y)
net = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 26))
optimizer = torch.optim.SGD(net.parameters(), lr=0.03)
right = []
for i in range(8000):
    scores = net(x[i : i + 1])
    right.append(scores.argmax().item() == y[i].item())
    loss = nn.functional.cross_entropy(scores, y[i : i + 1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if i % 1000 == 999:
        print(f"row {i + 1}: {sum(right[-1000:]) / 10:.1f} % of the last thousand were right before learning")
with torch.no_grad():
    finish("accuracy", (net(x[8000:]).argmax(1) == y[8000:]).float().mean())
