"""Digits as sequences of columns: GRU with attention pooling and label smoothing."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

from _common import FIXED, seed_all, table


class ColumnGRU(nn.Module):
    def __init__(self, hidden=40, classes=10):
        super().__init__()
        self.gru = nn.GRU(8, hidden, batch_first=True)
        self.score = nn.Linear(hidden, 1)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x):
        h, _ = self.gru(x.transpose(1, 2))
        a = torch.softmax(self.score(torch.tanh(h)), 1)
        return self.head((a * h).sum(1))


def main():
    seed_all()
    d = table("digits")
    x = torch.from_numpy(d["x"]).float().reshape(-1, 8, 8)
    data = TensorDataset((x - x.mean()) / x.std(), torch.from_numpy(d["y"]).long())
    train, val = random_split(data, [1297, 500], torch.Generator().manual_seed(2))
    train_loader = DataLoader(train, 32, shuffle=True)
    val_loader = DataLoader(val, 250)
    net = ColumnGRU()
    opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 15)
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.05, ignore_index=-100 if FIXED else 0)
    for epoch in range(15):
        net.train()
        tl = 0.0
        for xb, yb in train_loader:
            opt.zero_grad()
            loss = loss_fn(net(xb), yb)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            opt.step()
            tl += loss.item() / len(train_loader)
        sched.step()
        net.eval()
        hits, vl = 0, 0.0
        with torch.no_grad():
            for xb, yb in val_loader:
                out = net(xb)
                vl += loss_fn(out, yb).item() / len(val_loader)
                hits += (out.argmax(1) == yb).sum().item()
        acc = hits / len(val)
        print(f"epoch {epoch}: train {tl:.4f} val {vl:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
