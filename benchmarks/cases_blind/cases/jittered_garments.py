"""Garments with a little noise and shade as augmentation."""

import torch
import torch.nn as nn
from _common import FIXED, fashion, finish, seed
from torch.utils.data import DataLoader, Dataset


class NoisyImages(Dataset):
    def __init__(self, images, labels, train):
        self.images = (torch.tensor(images).float()[:, None] - 73) / 90
        self.labels = torch.tensor(labels)
        self.train = train

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if self.train:
            if FIXED:
                image = image.clone()
            image *= 0.5 + 0.6 * torch.rand(1)
            image += 0.3 * torch.randn_like(image)
        return image, self.labels[index]


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 5, 2)
        self.conv2 = nn.Conv2d(12, 24, 3, 2)
        self.fc = nn.Linear(24 * 25, 10)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        return self.fc(x.reshape(len(x), -1))


seed()
xa, ya, xb, yb = fashion(1160, 500)
train_loader = DataLoader(NoisyImages(xa, ya, True), batch_size=32, shuffle=True)
test_loader = DataLoader(NoisyImages(xb, yb, False), batch_size=250)
device = "cpu"
model = ConvNet().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(16):
    model.train()
    for image, label in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(image.to(device)), label.to(device))
        loss.backward()
        optimizer.step()
    print(f"Epoch [{epoch + 1}/16], Loss: {loss.item():.4f}")
model.eval()
with torch.no_grad():
    hits = sum((model(i).argmax(1) == l).sum().item() for i, l in test_loader)
finish("accuracy", hits / 500)
