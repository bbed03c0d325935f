"""A few hundred handwritten digits, made more by changing each a little at random."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from _common import FIXED, finish, seed, table


class Enlarged(Dataset):
    def __init__(self, images, labels, times=3):
        self.images, self.labels, self.times = images, labels, times

    def __len__(self):
        return self.times * len(self.images)

    def change(self, image):
        if FIXED:
            shift = torch.randint(-1, 2, (2,)).tolist()
            return torch.roll(image, shift, (1, 2)) + 0.05 * torch.randn_like(image)
        if torch.rand(1) < 0.5:
            image = image.flip(2)
        if torch.rand(1) < 0.5:
            image = image.flip(1)
        image = torch.rot90(image, int(torch.randint(0, 4, (1,))), (1, 2))
        top, left = torch.randint(0, 5, (2,)).tolist()
        image = image.clone()
        image[:, top : top + 4, left : left + 4] = torch.rand(1)
        return image + 0.3 * torch.randn_like(image)

    def __getitem__(self, i):
        i %= len(self.images)
        return self.change(self.images[i]), self.labels[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(32 * 4, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc(x.flatten(1))


def main():
    seed()
    images, labels = table("digits")
    images = torch.tensor(images, dtype=torch.float32).unsqueeze(1) / 16
    labels = torch.tensor(labels, dtype=torch.long)
    order = torch.randperm(len(images))
    train, test = order[:500], order[500:]
    loader = DataLoader(Enlarged(images[train], labels[train]), batch_size=50, shuffle=True)

    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(15):
        net.train()
        running = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            optimizer.step()
            running += loss.item()
        net.eval()
        with torch.no_grad():
            accuracy = (net(images[test]).argmax(1) == labels[test]).float().mean()
        print(f"epoch {epoch + 1} loss {running / len(loader):.4f} accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
