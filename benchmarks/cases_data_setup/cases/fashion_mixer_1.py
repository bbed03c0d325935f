"""MLP-Mixer on clothing images with Dataset classes for training and validation."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, SAMPLES, seed_all

MEAN, STD = 0.286, 0.353


class TrainImages(Dataset):
    def __init__(self, images, labels):
        self.images = (torch.from_numpy(images).float() / 255 - MEAN) / STD
        self.labels = torch.from_numpy(labels.astype(np.int64))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = self.images[i]
        if torch.rand(()) < 0.5:
            image = image.flip(1)
        return image, self.labels[i]


class TestImages(Dataset):
    def __init__(self, images, labels):
        pixels = torch.from_numpy(images).float() / 255
        self.images = (pixels - MEAN) / STD if FIXED else pixels
        self.labels = torch.from_numpy(labels.astype(np.int64))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


class MixerBlock(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.token = nn.Sequential(nn.Linear(tokens, 64), nn.GELU(), nn.Linear(64, tokens))
        self.channel = nn.Sequential(nn.Linear(dim, 96), nn.GELU(), nn.Dropout(0.1), nn.Linear(96, dim))

    def forward(self, x):
        x = x + self.token(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel(self.norm2(x))


class Mixer(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.embed = nn.Conv2d(1, dim, 4, stride=4)
        self.blocks = nn.Sequential(MixerBlock(49, dim), MixerBlock(49, dim))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        tokens = self.embed(x.unsqueeze(1)).flatten(2).transpose(1, 2)
        return self.head(self.norm(self.blocks(tokens)).mean(1))


def evaluate(net, loader, criterion):
    net.eval()
    loss = right = n = 0
    with torch.no_grad():
        for x, y in loader:
            out = net(x)
            loss += criterion(out, y).item() * len(y)
            right += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, right / n


seed_all()
data = np.load(SAMPLES / "fashion.npz")
train_loader = DataLoader(TrainImages(data["x_train"][:3500], data["y_train"][:3500]), batch_size=64, shuffle=True)
test_loader = DataLoader(TestImages(data["x_test"], data["y_test"]), batch_size=200)
net, criterion = Mixer(), nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(net.parameters(), lr=1.5e-3, weight_decay=0.02)
for epoch in range(5):
    net.train()
    running = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
    val_loss, val_acc = evaluate(net, test_loader, criterion)
    print(f"epoch {epoch + 1}: train {running / len(train_loader):.4f} test {val_loss:.4f} accuracy {val_acc:.4f}")
print(f"final accuracy {val_acc:.4f}")
