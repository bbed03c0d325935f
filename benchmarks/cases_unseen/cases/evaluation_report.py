"""Letters again, with a prediction function and a report as in scikit-learn."""

import numpy as np
import torch
import torch.nn as nn
from _common import FIXED, finish, letters, seed
from torch.utils.data import DataLoader, TensorDataset

seed()
x, y = letters(6000)
mean, std = x[:4800].mean(0), x[:4800].std(0)
train_set = TensorDataset(torch.tensor((x[:4800] - mean) / std), torch.tensor(y[:4800]))
valid_set = TensorDataset(torch.tensor((x[4800:] - mean) / std), torch.tensor(y[4800:]))
train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
valid_loader = DataLoader(valid_set, batch_size=64, shuffle=not FIXED)


def fit_epoch(model, loader, criterion, optimizer):
    model.train()
    losses = []
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.mean(losses)


def predict(model, loader, criterion):
    model.eval()
    outputs, losses = [], []
    with torch.no_grad():
        for inputs, targets in loader:
            logits = model(inputs)
            losses.append(criterion(logits, targets).item())
            outputs.append(logits.softmax(-1).numpy())
    return np.concatenate(outputs), np.mean(losses)


model = nn.Sequential(nn.Linear(16, 128), nn.LeakyReLU(), nn.Linear(128, 128), nn.LeakyReLU(), nn.Linear(128, 26))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(12):
    train_loss = fit_epoch(model, train_loader, criterion, optimizer)
    proba, valid_loss = predict(model, valid_loader, criterion)
    accuracy = (proba.argmax(1) == y[4800:]).mean()
    print(f"{epoch:>3} | train {train_loss:.4f} | valid {valid_loss:.4f} | accuracy {accuracy:.4f}")
finish("accuracy", accuracy)
