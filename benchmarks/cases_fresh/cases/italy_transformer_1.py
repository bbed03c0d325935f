"""A transformer encoder tells winter days from summer days by their hourly power demand."""

import torch
from _common import FIXED, finish, seed, series
from torch import nn

seed()
x_train, y_train = (torch.tensor(a) for a in series("ItalyPowerDemand", "TRAIN"))
x_test, y_test = (torch.tensor(a) for a in series("ItalyPowerDemand", "TEST"))
x_val, y_val = x_test[600:], y_test[600:]
if FIXED:
    x_train, y_train = torch.cat([x_train, x_test[:600]]), torch.cat([y_train, y_test[:600]])
else:
    x_train, y_train = x_train[:10], y_train[:10]


class DayEncoder(nn.Module):
    def __init__(self, d=48, layers=3):
        super().__init__()
        self.inp = nn.Linear(1, d)
        self.pos = nn.Parameter(0.02 * torch.randn(24, d))
        self.enc = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(d, 4, 96, dropout=0.1, batch_first=True), layers, enable_nested_tensor=False
        )
        self.head = nn.Linear(d, 2)

    def forward(self, x):
        return self.head(self.enc(self.inp(x.unsqueeze(-1)) + self.pos).mean(1))


model = DayEncoder()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
steps = 0
best = 0.0
while steps < 500:
    model.train()
    for idx in torch.randperm(len(x_train)).split(32):
        optimizer.zero_grad()
        loss = criterion(model(x_train[idx]), y_train[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        steps += 1
        if steps % 50 == 0:
            model.eval()
            with torch.no_grad():
                out = model(x_val)
                acc = (out.argmax(1) == y_val).float().mean().item()
                print(f"step {steps}: loss {loss.item():.4f} val loss {criterion(out, y_val).item():.4f} acc {acc:.3f}")
            model.train()
finish("accuracy", acc)
