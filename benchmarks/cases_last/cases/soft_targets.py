"""Knowledge distillation: a narrow student learns from the soft answers of a wide teacher."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from _common import FIXED, finish, letters, seed

T = 3.0


def mlp(width):
    return nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 26))


def distillation_loss(student, teacher):
    p = F.softmax(teacher / T, dim=1)
    q = F.log_softmax(student / T, dim=1) if FIXED else F.softmax(student / T, dim=1)
    return F.kl_div(q, p, reduction="batchmean") * T * T


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def loop(model, x, objective, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(epochs):
        model.train()
        for idx in torch.randperm(len(x)).split(64):
            loss = objective(model(x[idx]), idx)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 4 == 3:
            print(f"  epoch {epoch + 1} loss {loss.item():.4f}")


seed()
x, y = letters(5000)
x, y = torch.tensor((x - x.mean(0)) / x.std(0)), torch.tensor(y)
x_train, y_train, x_test, y_test = x[:4000], y[:4000], x[4000:], y[4000:]
teacher = mlp(256)
print("teacher")
loop(teacher, x_train, lambda out, idx: F.cross_entropy(out, y_train[idx]), 12, 2e-3)
print("  accuracy", accuracy(teacher, x_test, y_test))
with torch.no_grad():
    answers = teacher(x_train)
student = mlp(48)
print("student")
loop(student, x_train, lambda out, idx: distillation_loss(out, answers[idx]), 16, 3e-3)
finish("accuracy", accuracy(student, x_test, y_test))
