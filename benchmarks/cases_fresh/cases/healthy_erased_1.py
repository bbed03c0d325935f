"""Clothing with flips, erased rectangles and noise on every picture."""

import torch
from _common import fashion, finish, seed
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

seed()
x, y, xt, yt = fashion(1200, 500)


class Pictures(Dataset):
    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = torch.tensor(images)[:, None], labels, transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.transform(self.images[i]), self.labels[i]


base = [v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.286], [0.353])]
augment = v2.Compose([v2.RandomHorizontalFlip(), v2.RandomCrop(28, padding=2), *base, v2.RandomErasing(0.4)])
train = DataLoader(Pictures(x, y, augment), batch_size=40, shuffle=True)
val = DataLoader(Pictures(xt, yt, v2.Compose(base)), batch_size=250)
net = nn.Sequential(
    nn.Conv2d(1, 24, 3, padding=1),
    nn.BatchNorm2d(24),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(24, 48, 3, padding=1),
    nn.BatchNorm2d(48),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Dropout(0.3),
    nn.Linear(48 * 49, 10),
)
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 8)
for epoch in range(8):
    net.train()
    total = 0.0
    for xb, yb in train:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(xb), yb)
        loss.backward()
        opt.step()
        total += loss.item()
    sched.step()
    net.eval()
    with torch.no_grad():
        acc = sum((net(xb).argmax(1) == yb).sum().item() for xb, yb in val) / 500
    print(f"epoch {epoch}: loss {total / len(train):.3f} val acc {acc:.3f}")
finish("accuracy", acc)
