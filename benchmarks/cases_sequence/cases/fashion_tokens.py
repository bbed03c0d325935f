"""Clothes as sixteen patch tokens: encoder with label smoothing and heavy dropout in the head."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import SAMPLES, seed_all


class PatchEncoder(nn.Module):
    def __init__(self, d=48):
        super().__init__()
        self.unfold = nn.Unfold(7, stride=7)
        self.project = nn.Linear(49, d)
        self.position = nn.Parameter(torch.randn(1, 16, d) * 0.02)
        layer = nn.TransformerEncoderLayer(d, 4, 2 * d, dropout=0.1, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, norm=nn.LayerNorm(d), enable_nested_tensor=False)
        self.head = nn.Sequential(nn.Linear(16 * d, 128), nn.ReLU(), nn.Dropout(0.6), nn.Linear(128, 10))

    def forward(self, x):
        h = self.project(self.unfold(x).transpose(1, 2)) + self.position
        return self.head(self.encoder(h).flatten(1))


def main():
    seed_all()
    d = np.load(f"{SAMPLES}/fashion.npz")
    x, xt = (torch.tensor(d[k], dtype=torch.float32).unsqueeze(1) / 255 for k in ("x_train", "x_test"))
    mean, std = x.mean(), x.std()
    x, xt = (x - mean) / std, (xt - mean) / std
    y, yt = torch.tensor(d["y_train"]).long(), torch.tensor(d["y_test"]).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
    net = PatchEncoder()
    criterion = nn.CrossEntropyLoss(label_smoothing=0.15)
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.02)
    for epoch in range(5):
        net.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = criterion(net(xb), yb)
            loss.backward()
            opt.step()
            total += loss.item()
        net.eval()
        with torch.no_grad():
            out = net(xt)
            acc, test_loss = (out.argmax(1) == yt).float().mean().item(), criterion(out, yt).item()
        print(f"epoch {epoch + 1}: loss {total / len(loader):.4f} test loss {test_loss:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
