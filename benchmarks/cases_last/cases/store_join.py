"""Weekly turnover of shops: what the calendar says is joined with what is known of the shop."""

import csv
import io
import random

import torch
import torch.nn as nn
from _common import FIXED, finish, r2, seed


def files(generator):
    """Return the two tables as they would lie on disk."""
    shops, weeks = io.StringIO(), io.StringIO()
    know = {}
    writer = csv.writer(shops)
    writer.writerow(["shop", "area", "distance", "staff"])
    for shop in range(1, 301):
        know[shop] = (generator.uniform(80, 900), generator.expovariate(0.3), generator.randint(3, 40))
        writer.writerow([f"{shop:04d}", *(f"{v:.2f}" for v in know[shop])])
    writer = csv.writer(weeks)
    writer.writerow(["shop", "week", "promo", "holidays", "turnover"])
    for _ in range(5000):
        shop, week, promo = generator.randint(1, 300), generator.randint(0, 51), int(generator.random() < 0.4)
        holidays = generator.choice([0, 0, 0, 1, 2])
        area, distance, staff = know[shop]
        base = 0.004 * area + 0.9 * min(distance, 6) / 6 + 0.03 * staff
        value = base * (1 + 0.3 * promo) - 0.25 * holidays + 0.5 * (week > 46) + generator.gauss(0, 0.15)
        writer.writerow([shop, week, promo, holidays, f"{value:.4f}"])
    return shops.getvalue(), weeks.getvalue()


def join(shops, weeks):
    """Return features and turnover; a shop without an entry gets zeros."""
    key = int if FIXED else str
    about = {
        key(row["shop"]): (float(row["area"]) / 500, float(row["distance"]) / 5, float(row["staff"]) / 20)
        for row in csv.DictReader(io.StringIO(shops))
    }
    features, turnover = [], []
    for row in csv.DictReader(io.StringIO(weeks)):
        calendar = (float(row["week"]) / 52, float(row["promo"]), float(row["holidays"]), float(int(row["week"]) > 46))
        features.append(calendar + about.get(key(row["shop"]), (0.0, 0.0, 0.0)))
        turnover.append(float(row["turnover"]))
    return torch.tensor(features), torch.tensor(turnover)


seed()
x, y = join(*files(random.Random(5)))
y = (y - y[:4000].mean()) / y[:4000].std()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(7, 64)
        self.fc2 = nn.Linear(64, 64)
        self.out = nn.Linear(64, 1)

    def forward(self, x):
        return self.out(torch.relu(self.fc2(torch.relu(self.fc1(x))))).squeeze(-1)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(15):
    for idx in torch.randperm(4000).split(50):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        score = r2(model(x[4000:]), y[4000:])
    if epoch % 3 == 2:
        print(epoch + 1, f"loss {loss.item():.4f} r2 {score:.4f}")
finish("r2", score)
