"""A recurrent network reads messages that are filled up to the same length."""

from collections import Counter

import torch
from _common import FIXED, finish, seed, sms
from torch import nn

LENGTH = 100
seed()
texts, labels = sms()
index = {w: i + 2 for i, (w, _) in enumerate(Counter(w for t in texts for w in t).most_common(1500))}
rows = [[index.get(w, 1) for w in t[:LENGTH]] or [1] for t in texts]
spam = [i for i, v in enumerate(labels) if v]
ham = [i for i, v in enumerate(labels) if not v][: len(spam)]
chosen = torch.tensor(spam + ham)[torch.randperm(2 * len(spam), generator=torch.Generator().manual_seed(1))].tolist()
tokens = torch.zeros(len(chosen), LENGTH, dtype=torch.long)
for r, i in enumerate(chosen):
    tokens[r, : len(rows[i])] = torch.tensor(rows[i])
length = torch.tensor([len(rows[i]) for i in chosen])
target = torch.tensor([int(labels[i]) for i in chosen])
cut = 850


class RNNClassifier(nn.Module):
    def __init__(self, vocab_size, embed=32, hidden=48):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed, padding_idx=0)
        self.rnn = nn.RNN(embed, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 2)

    def forward(self, tokens, length):
        out, _ = self.rnn(self.embedding(tokens))
        if FIXED:
            return self.fc(out[torch.arange(len(out)), length - 1])
        return self.fc(out[:, -1, :])


model = RNNClassifier(1502)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(12):
    model.train()
    for batch in torch.randperm(cut).split(34):
        logits = model(tokens[batch], length[batch])
        loss = criterion(logits, target[batch])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(tokens[cut:], length[cut:])
        acc = (logits.argmax(1) == target[cut:]).float().mean().item()
    print(
        f"epoch {epoch}: loss {loss.item():.4f}, val loss {criterion(logits, target[cut:]).item():.4f}, acc {acc:.4f}"
    )
finish("accuracy", acc)
