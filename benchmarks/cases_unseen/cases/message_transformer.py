"""Transformer encoder for messages, built from nn.TransformerEncoder, positional encoding from the tutorial."""

import math
from collections import Counter

import torch
import torch.nn as nn
from _common import FIXED, finish, seed, sms


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=64):
        super().__init__()
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(1, max_len, d_model)
        pe[0, :, 0::2], pe[0, :, 1::2] = torch.sin(position * div_term), torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return x + self.pe[:, : x.size(1)]


class TextClassifier(nn.Module):
    def __init__(self, vocab, d_model=32):
        super().__init__()
        self.embedding = nn.Embedding(vocab, d_model, padding_idx=0)
        self.position = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.fc = nn.Linear(d_model, 2)

    def forward(self, tokens):
        pad = tokens == 0
        h = self.encoder(self.position(self.embedding(tokens)), src_key_padding_mask=pad)
        keep = (~pad).unsqueeze(-1)
        return self.fc((h * keep).sum(1) / keep.sum(1))


seed()
texts, labels = sms()
spam = [i for i, k in enumerate(labels) if k]
ham = [i for i, k in enumerate(labels) if not k][: len(spam)]
chosen = torch.tensor(spam + ham)[torch.randperm(2 * len(spam), generator=torch.Generator().manual_seed(0))].tolist()
vocabulary = {w: i + 2 for i, (w, _) in enumerate(Counter(w for i in chosen for w in texts[i]).most_common(1500))}
X = torch.zeros(len(chosen), 32, dtype=torch.long)
for r, i in enumerate(chosen):
    for j, w in enumerate(texts[i][:32]):
        X[r, j] = vocabulary.get(w, 1)
X[X.sum(1) == 0, 0] = 1
Y = torch.tensor([int(labels[i]) for i in chosen])

model = TextClassifier(1502)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3 if FIXED else 0.1)
for epoch in range(6):
    model.train()
    epoch_loss = 0
    for batch in torch.randperm(1100).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(X[batch]), Y[batch])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() / 35
    model.eval()
    with torch.no_grad():
        accuracy = (model(X[1100:]).argmax(1) == Y[1100:]).float().mean().item()
    print(f"Epoch {epoch + 1}, Loss {epoch_loss:.4f}, Test accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
