"""Next-character model on a novel with an LSTM, then it continues a sentence."""

import torch
import torch.nn as nn
from _common import FIXED, emma, finish, seed

seed()
text = emma(60_000).lower()
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
encoded = torch.tensor([stoi[c] for c in text])
SEQ, BATCH = 50, 32
train_ids, valid_ids = encoded[:52_000], encoded[52_000:]


class CharRNN(nn.Module):
    def __init__(self, n_chars, n_hidden=64, n_layers=1, drop_prob=0.1):
        super().__init__()
        self.embedding = nn.Embedding(n_chars, 32)
        self.lstm = nn.LSTM(32, n_hidden, n_layers, batch_first=True, bidirectional=not FIXED)
        self.dropout = nn.Dropout(drop_prob)
        self.fc = nn.Linear(n_hidden if FIXED else 2 * n_hidden, n_chars)

    def forward(self, x):
        r_output, _ = self.lstm(self.embedding(x))
        return self.fc(self.dropout(r_output))


def get_batches(ids):
    starts = torch.randperm((len(ids) - 1) // SEQ) * SEQ
    for group in starts.split(BATCH):
        if len(group) < BATCH:
            continue
        x = torch.stack([ids[s : s + SEQ] for s in group])
        y = torch.stack([ids[s + 1 : s + SEQ + 1] for s in group])
        yield x, y


net = CharRNN(len(chars))
opt = torch.optim.Adam(net.parameters(), lr=0.005)
criterion = nn.CrossEntropyLoss()
for epoch in range(6):
    net.train()
    for x, y in get_batches(train_ids):
        opt.zero_grad()
        output = net(x)
        loss = criterion(output.reshape(-1, len(chars)), y.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5)
        opt.step()
    net.eval()
    with torch.no_grad():
        val = [criterion(net(x).reshape(-1, len(chars)), y.reshape(-1)).item() for x, y in get_batches(valid_ids)]
    print(f"Epoch: {epoch + 1}/6... Loss: {loss.item():.4f}... Val Loss: {sum(val) / len(val):.4f}")

with torch.no_grad():
    out = stoi["t"] * torch.ones(1, 1, dtype=torch.long)
    for _ in range(60):
        out = torch.cat([out, net(out[:, -SEQ:])[:, -1].softmax(-1).multinomial(1)], 1)
    print("".join(chars[i] for i in out[0]))
    starts = torch.arange(0, len(valid_ids) - SEQ - 1, 12)
    prefix = torch.stack([valid_ids[s : s + SEQ] for s in starts])
    following = valid_ids[starts + SEQ]
    finish("next_character_loss", criterion(net(prefix)[:, -1], following))
