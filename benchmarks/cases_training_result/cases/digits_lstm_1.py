"""Digits read row by row with an LSTM; ridge penalty added to the loss by hand."""
import torch
from torch import nn

from _common import FIXED, seed_all, table

LAMBDA = 1e-5 if FIXED else 1e-1


class RowReader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 48, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(96, 10)

    def forward(self, images):
        _, (h, _) = self.lstm(images)
        return self.fc(torch.cat([h[0], h[1]], 1))


def penalty(net):
    return sum((p ** 2).sum() for n, p in net.named_parameters() if "weight" in n)


def batches(n, size):
    for idx in torch.randperm(n).split(size):
        yield idx


def main():
    seed_all()
    d = table("digits")
    x, y = torch.from_numpy(d["x"]).float(), torch.from_numpy(d["y"]).long()
    x = x.reshape(-1, 8, 8)
    perm = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
    x, y = (x[perm] - 4.9) / 6.0, y[perm]
    xt, yt, xv, yv = x[:1300], y[:1300], x[1300:], y[1300:]
    net = RowReader()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(15):
        net.train()
        seen, total = 0, 0.0
        for idx in batches(len(xt), 32):
            out = net(xt[idx])
            loss = nn.functional.cross_entropy(out, yt[idx]) + LAMBDA * penalty(net)
            opt.zero_grad()
            loss.backward()
            opt.step()
            seen += len(idx)
            total += loss.item() * len(idx)
        net.eval()
        with torch.no_grad():
            out = net(xv)
        ce = nn.functional.cross_entropy(out, yv).item()
        acc = (out.argmax(1) == yv).float().mean().item()
        print(f"epoch {epoch + 1:2d}  loss {total / seen:.4f}  val ce {ce:.4f}  val acc {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
