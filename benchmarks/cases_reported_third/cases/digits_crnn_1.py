"""Read strips of several handwritten digits: convolution, recurrent layer, CTC."""
import numpy as np
import torch
import torch.nn as nn

from _common import FIXED, seed_all, table

WIDTH = 48


def strips(images, labels, n):
    xs, ys = np.zeros((n, 8, WIDTH), dtype=np.float32), []
    for k in range(n):
        picks = np.random.randint(0, len(images), np.random.randint(3, 6))
        col = np.random.randint(0, 3)
        for p in picks:
            xs[k, :, col:col + 8] = images[p]
            col += 8 + np.random.randint(0, 2)
        ys.append([int(labels[p]) + 1 for p in picks])
    return torch.from_numpy(xs)[:, None], ys


class CRNN(nn.Module):
    def __init__(self, n_classes=11, hidden=48):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d((2, 1)),
                                  nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d((2, 2)))
        self.rnn = nn.GRU(32 * 2, hidden, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, n_classes)

    def forward(self, x):
        f = self.conv(x)
        n, c, h, w = f.shape
        f = f.permute(3, 0, 1, 2).reshape(w, n, c * h)
        out, _ = self.rnn(f)
        out = self.fc(out)
        return out.log_softmax(2) if FIXED else out.softmax(2)


def decode(path):
    text, last = [], 0
    for p in path:
        if p != last and p != 0:
            text.append(p)
        last = p
    return text


def edits(a, b):
    row = list(range(len(b) + 1))
    for i, ca in enumerate(a, 1):
        prev, row[0] = row[0], i
        for j, cb in enumerate(b, 1):
            prev, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, prev + (ca != cb))
    return row[-1]


def main():
    seed_all()
    data = table("digits")
    images, labels = data["x"].astype(np.float32) / 16, data["y"]
    order = np.random.permutation(len(labels))
    images, labels = images[order], labels[order]
    train_x, train_y = strips(images[:1400], labels[:1400], 2000)
    test_x, test_y = strips(images[1400:], labels[1400:], 300)
    mean, std = train_x.mean(), train_x.std()
    train_x, test_x = (train_x - mean) / std, (test_x - mean) / std

    net = CRNN()
    ctc = nn.CTCLoss(blank=0)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(12):
        net.train()
        total = []
        for idx in torch.randperm(len(train_x)).split(32):
            out = net(train_x[idx])
            targets = [train_y[i] for i in idx.tolist()]
            flat = torch.tensor(sum(targets, []))
            lengths = torch.tensor([len(t) for t in targets])
            sizes = torch.full((len(idx),), out.size(0), dtype=torch.long)
            loss = ctc(out, flat, sizes, lengths)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            total.append(loss.item())
        net.eval()
        with torch.no_grad():
            best = net(test_x).argmax(2).t().tolist()
        wrong = sum(edits(decode(p), t) for p, t in zip(best, test_y))
        cer = wrong / sum(len(t) for t in test_y)
        print(f"epoch {epoch + 1:2d}  ctc {np.mean(total):.4f}  character error rate {cer:.4f}  e.g. {decode(best[0])} for {test_y[0]}")
    print(f"final cer {cer:.4f}")


if __name__ == "__main__":
    main()
