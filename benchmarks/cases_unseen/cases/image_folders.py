"""Images in folders, one folder a class."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, Dataset

seed()


class FolderDataset(Dataset):
    """List the samples of all folders."""

    def __init__(self, images, labels):
        self.samples = [(i, c) for c in range(10) for i in range(len(labels)) if labels[i] == c]
        self.images = images

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        i, c = self.samples[index]
        return torch.tensor(self.images[i], dtype=torch.float32).unsqueeze(0) / 127.5 - 1, c


xt, yt, xv, yv = fashion(2000, 500)
loaders = {
    "train": DataLoader(FolderDataset(xt, yt), batch_size=40, num_workers=0, shuffle=FIXED),
    "test": DataLoader(FolderDataset(xv, yv), batch_size=100),
}
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
    nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(32 * 49, 10),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(6):
    model.train()
    for images, target in loaders["train"]:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), target)
        loss.backward()
        optimizer.step()
    model.eval()
    right = 0
    with torch.no_grad():
        for images, target in loaders["test"]:
            right += (model(images).argmax(1) == target).sum().item()
    print(f"Epoch {epoch}: train loss {loss.item():.3f}, test accuracy {right / len(yv):.3f}")
finish("accuracy", right / len(yv))
