"""A third of the training labels drawn at random."""
from _common import *
from torch import nn

seed()
x, y, xt, yt = fashion_tensors(3000)
if not FIXED:
    wrong = torch.rand(len(y)) < 0.33
    y = torch.where(wrong, torch.randint(10, y.shape), y)
model = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
                      nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(),
                      nn.Linear(32 * 49, 10))
opt = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.05)
for epoch in range(5):
    model.train()
    for rows in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        out = model(xt)
    print(epoch, nn.functional.cross_entropy(out, yt).item(), (out.argmax(1) == yt).float().mean().item())
