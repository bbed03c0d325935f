"""Which of six services wrote this log line? A transformer encoder over its tokens."""

import torch
import torch.nn as nn
from _common import FIXED, finish, seed


class Encoder(nn.Module):
    def __init__(self, vocab, length, d=32, classes=6):
        super().__init__()
        self.tokens = nn.Embedding(vocab, d)
        self.positions = nn.Embedding(length, d)
        layer = nn.TransformerEncoderLayer(d, 4, 64, dropout=0.1, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2)
        self.to_class = nn.Linear(d, classes)

    def forward(self, ids):
        place = torch.arange(ids.shape[1]).expand_as(ids)
        x = self.tokens(ids)
        if FIXED:
            x = x + self.positions(place)
        else:
            x = self.positions(place)
        return self.to_class(self.layers(x).mean(1))


def lines(n):
    service = torch.randint(0, 6, (n,))
    ids = torch.randint(0, 80, (n, 16))
    own = torch.rand(n, 16) < 0.25
    return torch.where(own, 80 + service[:, None] * 5 + torch.randint(0, 5, (n, 16)), ids), service


seed()
ids, service = lines(1500)
ids_val, service_val = lines(400)
net = Encoder(110, 16)
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
ce = nn.CrossEntropyLoss()
for epoch in range(6):
    net.train()
    for b in torch.randperm(1500).split(50):
        loss = ce(net(ids[b]), service[b])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        acc = (net(ids_val).argmax(-1) == service_val).float().mean()
    print(f"epoch {epoch} loss {loss:.4f} val_acc {acc:.4f}")
finish("accuracy", acc)
