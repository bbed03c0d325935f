"""Word-level model in the manner of the language-model example: columns in order, hidden state carried on."""

import re
from collections import Counter

import torch
import torch.nn as nn
from _common import emma, finish, seed

seed()
tokens = re.findall(r"[a-z]+|[.,;!?]", emma(200_000).lower())
common = {w: i + 1 for i, (w, _) in enumerate(Counter(tokens).most_common(799))}
ids = torch.tensor([common.get(w, 0) for w in tokens])


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    return data[: nbatch * bsz].view(bsz, -1).t().contiguous()


def get_batch(source, i, bptt=20):
    n = min(bptt, len(source) - 1 - i)
    return source[i : i + n], source[i + 1 : i + 1 + n].reshape(-1)


def repackage_hidden(h):
    return tuple(v.detach() for v in h)


class RNNModel(nn.Module):
    def __init__(self, ntoken=800, ninp=48, nhid=64):
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid)
        self.decoder = nn.Linear(nhid, ntoken)
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, x, hidden):
        output, hidden = self.rnn(self.drop(self.encoder(x)), hidden)
        return self.decoder(self.drop(output)).view(-1, 800), hidden


train_data, val_data = batchify(ids[:34_000], 20), batchify(ids[34_000:], 10)
model = RNNModel()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(5):
    model.train()
    hidden = None
    for i in range(0, train_data.size(0) - 1, 20):
        data, targets = get_batch(train_data, i)
        hidden = repackage_hidden(hidden) if hidden else None
        optimizer.zero_grad()
        output, hidden = model(data, hidden)
        loss = criterion(output, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
    model.eval()
    total, hidden = 0.0, None
    with torch.no_grad():
        for i in range(0, val_data.size(0) - 1, 20):
            data, targets = get_batch(val_data, i)
            output, hidden = model(data, hidden)
            total += len(data) * criterion(output, targets).item()
    print(f"| end of epoch {epoch} | train {loss.item():.3f} | valid loss {total / (len(val_data) - 1):.3f}")
finish("loss", total / (len(val_data) - 1))
