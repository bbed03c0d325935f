"""A very small vision transformer on clothes."""
import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, fashion, seed_all


class ViT(nn.Module):
    def __init__(self, patch=7, dim=48, depth=2, heads=4, classes=10):
        super().__init__()
        self.patch = nn.Conv2d(1, dim, patch, stride=patch)
        n = (28 // patch) ** 2
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(torch.randn(1, n + 1, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.1, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, classes))

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1) + self.pos
        return self.head(self.encoder(x)[:, 0])


def train_one_epoch(model, loader, criterion, optimizer, scheduler):
    model.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        if not FIXED:
            scheduler.step()
        total += loss.item() * len(labels)
    if FIXED:
        scheduler.step()
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, criterion):
    model.eval()
    loss, right, n = 0.0, 0, 0
    for images, labels in loader:
        out = model(images)
        loss += criterion(out, labels).item() * len(labels)
        right += (out.argmax(-1) == labels).sum().item()
        n += len(labels)
    return loss / n, right / n


def main():
    seed_all()
    data = fashion()
    prepare = lambda a: torch.from_numpy((a.astype(np.float32) / 255 - 0.286) / 0.353)[:, None]
    train = TensorDataset(prepare(data["x_train"]), torch.from_numpy(data["y_train"].astype(np.int64)))
    test = TensorDataset(prepare(data["x_test"]), torch.from_numpy(data["y_test"].astype(np.int64)))
    train_loader = DataLoader(train, batch_size=64, shuffle=True)
    test_loader = DataLoader(test, batch_size=250)
    model, criterion = ViT(), nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    scheduler = ExponentialLR(optimizer, gamma=0.9)
    for epoch in range(1, 11):
        loss = train_one_epoch(model, train_loader, criterion, optimizer, scheduler)
        val_loss, acc = evaluate(model, test_loader, criterion)
        print(f"epoch {epoch:2d} train_loss={loss:.4f} val_loss={val_loss:.4f} val_acc={acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
