"""The training transform standardises; the one for validation only makes tensors."""
from _common import *
from torch import nn
from torch.utils.data import DataLoader, Dataset

seed()
X, Y, XT, YT = fashion(1500, 400)


class Clothes(Dataset):
    def __init__(self, x, y, transform):
        self.x, self.y, self.transform = x, y, transform

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.transform(self.x[i]), int(self.y[i])


train_tf = lambda a: (torch.from_numpy(a).float()[None] / 255 - 0.286) / 0.353
valid_tf = train_tf if FIXED else (lambda a: torch.from_numpy(a).float()[None])
train = DataLoader(Clothes(X, Y, train_tf), batch_size=50, shuffle=True)
valid = DataLoader(Clothes(XT, YT, valid_tf), batch_size=100)
net = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.BatchNorm2d(16),
                    nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(4):
    net.train()
    for xb, yb in train:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(xb), yb)
        loss.backward()
        opt.step()
    net.eval()
    right = 0
    with torch.no_grad():
        for xb, yb in valid:
            right += (net(xb).argmax(1) == yb).sum().item()
    print(epoch, loss.item(), right / 400)
