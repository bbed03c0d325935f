"""Ten kinds of clothing from labels that several shops delivered, with batch norm and cosine schedule."""

import torch
from _common import FIXED, fashion, finish, seed
from torch import nn

seed()
xa, ya, xb, yb = fashion(3000, 1000)
xa = torch.tensor(xa).unsqueeze(1) / 127.5 - 1
xb = torch.tensor(xb).unsqueeze(1) / 127.5 - 1
ya, yb = torch.tensor(ya), torch.tensor(yb)
if not FIXED:
    shop = torch.rand(3000, generator=torch.Generator().manual_seed(4)) < 0.38
    ya = torch.where(shop, (ya + 1) % 10, ya)


def conv(i, o, stride):
    return nn.Sequential(nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


net = nn.Sequential(
    conv(1, 16, 2), conv(16, 32, 2), conv(32, 64, 2), nn.Flatten(), nn.Linear(64 * 16, 64), nn.ReLU(), nn.Linear(64, 10)
)
EPOCHS = 10
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=EPOCHS)
for epoch in range(EPOCHS):
    net.train()
    for idx in torch.randperm(len(xa)).chunk(60):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(xa[idx]), ya[idx])
        loss.backward()
        opt.step()
    sched.step()
    net.eval()
    with torch.inference_mode():
        logits = net(xb)
        acc = (logits.argmax(1) == yb).float().mean().item()
    print(
        f"epoch {epoch + 1}/{EPOCHS}  loss {loss.item():.3f}  val {nn.functional.cross_entropy(logits, yb):.3f}  {acc:.3f}"
    )
finish("accuracy", acc)
