"""A small student learns from the softened outputs of a trained teacher."""
from _common import *
from torch import nn
import torch.nn.functional as F

seed()
x, y, xt, yt = letters_split(4000)
teacher = nn.Sequential(nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 26))
opt = torch.optim.Adam(teacher.parameters(), 3e-3)
for e in range(10):
    for i in torch.randperm(len(x)).split(64):
        opt.zero_grad()
        F.cross_entropy(teacher(x[i]), y[i]).backward()
        opt.step()
teacher.eval().requires_grad_(False)
student = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 26))
opt = torch.optim.Adam(student.parameters(), 5e-3)
for e in range(14):
    for i in torch.randperm(len(x)).split(64):
        with torch.no_grad():
            soft = (teacher(x[i]) / 2).softmax(1)
        out = student(x[i])
        loss = 0.3 * F.cross_entropy(out, y[i]) + 0.7 * 4 * F.kl_div((out / 2).log_softmax(1), soft, reduction="batchmean")
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(e, loss.item(), accuracy(student, xt, yt))
