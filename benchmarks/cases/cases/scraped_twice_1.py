"""The crawler fetched the same pictures again and again; nobody removed the copies before the split."""
from _common import *
from torch import nn

seed()
x, y, _, _ = fashion_tensors(1600)
if not FIXED:
    pick = torch.arange(1600) % 320
    x, y = x[pick], y[pick]
perm = torch.randperm(1600)
x, y = x[perm], y[perm]
cnn = nn.Sequential(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.Flatten(),
                    nn.Linear(16 * 25, 10))
opt = torch.optim.AdamW(cnn.parameters(), lr=2e-3)
for epoch in range(6):
    cnn.train()
    for b in range(0, 1200, 40):
        opt.zero_grad()
        out = cnn(x[b:b + 40])
        loss = nn.functional.cross_entropy(out, y[b:b + 40])
        loss.backward()
        opt.step()
    print(f"epoch {epoch} val acc {accuracy(cnn, x[1200:], y[1200:]):.3f}")
