"""ExponentialLR stepped after every batch: the rate is gone before the first epoch ends."""
from _common import *
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR

seed()
x, y, xt, yt = fashion_tensors()
model = nn.Sequential(nn.Conv2d(1, 16, 5, 2), nn.ReLU(), nn.Conv2d(16, 32, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
scheduler = ExponentialLR(optimizer, gamma=0.8)
for epoch in range(8):
    for i in torch.randperm(len(x)).split(50):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[i]), y[i])
        loss.backward()
        optimizer.step()
        if not FIXED:
            scheduler.step()
    if FIXED:
        scheduler.step()
    with torch.no_grad():
        out = model(xt)
        print(epoch, nn.functional.cross_entropy(out, yt).item(), (out.argmax(1) == yt).float().mean().item())
