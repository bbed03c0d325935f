"""A small VGG on clothes, trained from the beginning."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, finish, seed

PLAN = [16, 16, "M", 32, 32, "M", 32, 32, 32, "M"]


class VGG(nn.Module):
    def __init__(self, plan, classes=10):
        super().__init__()
        layers, channels = [], 1
        for step in plan:
            if step == "M":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(channels, step, 3, padding=1), nn.ReLU(inplace=True)]
                channels = step
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(channels * 9, 128), nn.ReLU(inplace=True), nn.Linear(128, classes)
        )
        self._initialize_weights()

    def _initialize_weights(self):
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                if FIXED:
                    nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
                else:
                    nn.init.normal_(m.weight, 0, 0.01)
                nn.init.constant_(m.bias, 0)

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def prepare(x, y):
    return TensorDataset((torch.from_numpy(x).float()[:, None] / 255 - 0.286) / 0.353, torch.from_numpy(y))


def main():
    seed()
    x_train, y_train, x_val, y_val = fashion(2000, 800)
    train_loader = DataLoader(prepare(x_train, y_train), batch_size=64, shuffle=True)
    val_loader = DataLoader(prepare(x_val, y_val), batch_size=200)
    model = VGG(PLAN)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    for epoch in range(6):
        model.train()
        for images, target in train_loader:
            loss = criterion(model(images), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            hits = sum((model(images).argmax(1) == target).sum().item() for images, target in val_loader)
        prec1 = hits / len(val_loader.dataset)
        print(f"Epoch [{epoch}] Loss {loss.item():.4f} Prec@1 {prec1:.4f}")
    finish("accuracy", prec1)


if __name__ == "__main__":
    main()
