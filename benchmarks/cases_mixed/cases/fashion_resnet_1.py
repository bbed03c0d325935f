"""A small residual network on clothes."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from _common import FIXED, fashion, seed_all

train_tf = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.286,), (0.353,))])
test_tf = train_tf if FIXED else transforms.Compose([transforms.ToTensor()])


class Clothes(Dataset):
    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.transform(self.images[i]), int(self.labels[i])


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.na = nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)

    def forward(self, x):
        return F.relu(x + self.na(self.a(x)))


class TinyResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 4, stride=4, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.blocks = nn.Sequential(Block(16), Block(16))
        self.head = nn.Linear(16 * 49, 10)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)).flatten(1))


def run_epoch(net, loader, opt=None):
    net.train(opt is not None)
    loss_sum = hits = n = 0
    with torch.set_grad_enabled(opt is not None):
        for x, y in loader:
            out = net(x)
            loss = F.cross_entropy(out, y)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            loss_sum += loss.item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss_sum / n, hits / n


if __name__ == "__main__":
    seed_all()
    d = fashion()
    train = DataLoader(Clothes(d["x_train"], d["y_train"], train_tf), batch_size=64, shuffle=True)
    test = DataLoader(Clothes(d["x_test"], d["y_test"], test_tf), batch_size=250)
    net = TinyResNet()
    opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
    for epoch in range(4):
        tl, ta = run_epoch(net, train, opt)
        vl, va = run_epoch(net, test)
        print(f"epoch {epoch + 1}: train {tl:.3f}/{ta:.3f} test {vl:.3f}/{va:.3f}")
    print(f"final accuracy {va:.4f}")
