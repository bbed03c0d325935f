"""Hand-written digits, labelled in two passes, classified by a small vision transformer."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, TABLES, seed_all

COARSE = {7: 1, 8: 3, 9: 4}


def annotations():
    """First pass: look-alikes grouped together. Second pass: every digit by its own."""
    with np.load(TABLES / "digits.npz") as d:
        images, digits = d["x"].astype(np.float32), d["y"].astype(np.int64)
    images = (images - 4.9) / 6.0
    first = np.array([COARSE.get(int(k), int(k)) for k in digits[:1300]])
    return images, first, digits


def training_table(images, first, second):
    merged = {}
    for position, label in enumerate(first):
        merged[(position, 0)] = label
    for position, label in enumerate(second[:1300]):
        merged[(position, 0 if FIXED else 1)] = label
    index = np.array([key[0] for key in merged])
    return images[index], np.array(list(merged.values()))


class TinyViT(nn.Module):
    def __init__(self, dim=48, depth=2):
        super().__init__()
        self.patch = nn.Conv2d(1, dim, 2, stride=2)
        self.position = nn.Parameter(0.02 * torch.randn(1, 16, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 96, 0.1, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, x):
        tokens = self.patch(x.unsqueeze(1)).flatten(2).transpose(1, 2) + self.position
        return self.head(self.norm(self.encoder(tokens)).mean(1))


def main():
    seed_all()
    images, first, second = annotations()
    x, y = training_table(images, first, second)
    loader = DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=32, shuffle=True)
    x_val, y_val = torch.from_numpy(images[1300:]), torch.from_numpy(second[1300:])
    net = TinyViT()
    criterion = nn.CrossEntropyLoss()
    epochs = 10
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=epochs * len(loader))
    for epoch in range(epochs):
        net.train()
        losses = []
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            out = net(x_val)
        accuracy = (out.argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch + 1} train {np.mean(losses):.4f} val {criterion(out, y_val).item():.4f} acc {accuracy:.4f}")
    print(f"final accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
