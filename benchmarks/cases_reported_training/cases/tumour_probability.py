"""Probability that a tumour is benign."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

from _common import FIXED, finish, seed, table


class Tumours(Dataset):
    def __init__(self):
        x, y = table("breast")
        x = (x - x.mean(axis=0)) / x.std(axis=0)
        self.x = torch.from_numpy(x.astype(np.float32))
        self.y = torch.from_numpy(y.astype(np.float32)).view(-1, 1)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer_1 = nn.Linear(30, 32)
        self.layer_2 = nn.Linear(32, 16)
        self.layer_out = nn.Linear(16, 1)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(p=0.1)
        self.probability = nn.Sigmoid() if FIXED else nn.Softmax(dim=1)

    def forward(self, x):
        x = self.relu(self.layer_1(x))
        x = self.dropout(self.relu(self.layer_2(x)))
        return self.probability(self.layer_out(x))


def main():
    seed()
    train, test = random_split(Tumours(), [430, 139])
    train_loader = DataLoader(train, batch_size=16, shuffle=True)
    test_loader = DataLoader(test, batch_size=139)
    model = Classifier()
    criterion = nn.BCELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    for epoch in range(40):
        model.train()
        epoch_loss = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item()
        model.eval()
        with torch.no_grad():
            x, y = next(iter(test_loader))
            accuracy = ((model(x) > 0.5).float() == y).float().mean().item()
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1:03d} loss {epoch_loss / len(train_loader):.5f} accuracy {accuracy:.3f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
