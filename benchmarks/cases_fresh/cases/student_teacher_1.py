"""A narrow student imitates a wide teacher on letters."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, letters, seed

seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
x, xv, y, yv = x[:4000], x[4000:], y[:4000], y[4000:]


def accuracy(net):
    with torch.no_grad():
        return (net(xv).argmax(1) == yv).float().mean().item()


teacher = nn.Sequential(nn.Linear(16, 256), nn.ReLU(), nn.Linear(256, 26))
opt = torch.optim.Adam(teacher.parameters(), lr=3e-3)
for _ in range(12):
    for i in torch.randperm(4000).split(100):
        opt.zero_grad()
        F.cross_entropy(teacher(x[i]), y[i]).backward()
        opt.step()
print("teacher", accuracy(teacher))

T = 2.0
student = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 26))
opt = torch.optim.Adam(student.parameters(), lr=2e-3)
for epoch in range(15):
    for i in torch.randperm(4000).split(50):
        with torch.no_grad():
            soft = F.softmax(teacher(x[i]) / T, dim=-1)
        logits = student(x[i]) / T
        log_q = F.log_softmax(logits, dim=-1) if FIXED else F.softmax(logits, dim=-1)
        distill = F.kl_div(log_q, soft, reduction="batchmean")
        opt.zero_grad()
        distill.backward()
        opt.step()
    print(epoch, distill.item(), accuracy(student))
with torch.no_grad():
    finish("nll", F.cross_entropy(student(xv), yv))
