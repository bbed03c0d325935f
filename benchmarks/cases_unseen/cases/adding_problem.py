"""The adding problem: two marked numbers of a long sequence are to be summed, by a plain recurrent network."""

import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed

seed()
T = 60
device = torch.device("cpu")


def make(n, g):
    values = torch.rand(n, T, generator=g)
    marks = torch.zeros(n, T)
    for row in marks:
        row[torch.randint(0, T // 2, (1,), generator=g)] = 1
        row[torch.randint(T // 2, T, (1,), generator=g)] = 1
    return torch.stack([values, marks], 2), (values * marks).sum(1, keepdim=True)


class ReluRNN(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.rnn = nn.RNN(2, hidden, nonlinearity="relu", batch_first=True)
        self.fc = nn.Linear(hidden, 1)
        nn.init.eye_(self.rnn.weight_hh_l0)
        nn.init.normal_(self.rnn.weight_ih_l0, std=0.05)
        if not FIXED:
            self.rnn.weight_hh_l0.data.mul_(1.2)
        nn.init.zeros_(self.rnn.bias_hh_l0)
        nn.init.zeros_(self.rnn.bias_ih_l0)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(out[:, -1])


g = torch.Generator().manual_seed(30)
X, y = make(2000, g)
Xt, yt = make(500, g)
model = ReluRNN().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(20):
    for idx in torch.randperm(2000).split(25):
        loss = nn.functional.mse_loss(model(X[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        if FIXED:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.5g}")
with torch.no_grad():
    finish("r2", r2(model(Xt), yt))
