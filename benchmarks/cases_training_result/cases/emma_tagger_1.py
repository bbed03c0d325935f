"""Where do words begin? Sentences of Emma without spaces, tagged by a bidirectional LSTM (padded batches)."""
import re

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

from _common import SAMPLES, seed_all

IGNORE = -1


def phrases():
    text = (SAMPLES / "emma.txt").read_text().lower()[5000:130_000]
    for part in re.split(r"[.;:!?,\"]+", text):
        words = re.findall(r"[a-z]+", part)
        letters = "".join(words)
        if len(words) < 3 or len(letters) > 60:
            continue
        tags = [int(k == 0) for w in words for k in range(len(w))]
        yield torch.tensor([ord(c) - 96 for c in letters]), torch.tensor(tags)


def collate(batch):
    batch = sorted(batch, key=lambda p: -len(p[0]))
    xs, ys = zip(*batch)
    lengths = torch.tensor([len(x) for x in xs])
    return pad_sequence(xs, batch_first=True), pad_sequence(ys, batch_first=True, padding_value=IGNORE), lengths


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(27, 24, padding_idx=0)
        self.lstm = nn.LSTM(24, 48, batch_first=True, bidirectional=True)
        self.drop, self.out = nn.Dropout(0.1), nn.Linear(96, 2)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.emb(x), lengths, batch_first=True)
        h, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.out(self.drop(h))


def main():
    seed_all()
    items = list(dict((tuple(x.tolist()), (x, y)) for x, y in phrases()).values())
    perm = torch.randperm(len(items), generator=torch.Generator().manual_seed(6)).tolist()
    cut = len(items) - 500
    train = DataLoader([items[i] for i in perm[:cut]], 32, shuffle=True, collate_fn=collate)
    val = DataLoader([items[i] for i in perm[cut:]], 100, collate_fn=collate)
    net = Tagger()
    opt = torch.optim.Adam(net.parameters(), lr=4e-3)
    ce = nn.CrossEntropyLoss(ignore_index=IGNORE)
    for epoch in range(5):
        net.train()
        tl = 0.0
        for x, y, n in train:
            opt.zero_grad()
            loss = ce(net(x, n).flatten(0, 1), y.flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            tl += loss.item() / len(train)
        net.eval()
        tp = fp = fn = 0
        vl = 0.0
        with torch.no_grad():
            for x, y, n in val:
                out = net(x, n)
                vl += ce(out.flatten(0, 1), y.flatten()).item() / len(val)
                pred, real = (out.argmax(2) == 1) & (y != IGNORE), y == 1
                tp += (pred & real).sum().item()
                fp += (pred & ~real).sum().item()
                fn += (~pred & real).sum().item()
        f1 = 2 * tp / (2 * tp + fp + fn)
        print(f"epoch {epoch + 1}: train {tl:.4f} val {vl:.4f} f1 {f1:.4f}")
    print(f"final f1 {f1:.4f}")


if __name__ == "__main__":
    main()
