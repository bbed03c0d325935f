"""Winter or summer from a day of electricity use (ItalyPowerDemand), LSTM."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

from _common import FIXED, seed_all, series


class SeasonLSTM(nn.Module):
    def __init__(self, input_size=1, hidden_size=32, num_layers=1, num_classes=2):
        super().__init__()
        self.hidden_size, self.num_layers = hidden_size, num_layers
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=FIXED)
        self.fc = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1, :])


def main():
    seed_all()
    parts = [series("ItalyPowerDemand", p) for p in ("TRAIN", "TEST")]
    x = torch.tensor(np.concatenate([p[0] for p in parts])).unsqueeze(-1)
    y = torch.tensor(np.concatenate([p[1] for p in parts])) - 1
    train_set, test_set = random_split(TensorDataset(x, y), [800, len(x) - 800])
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, batch_size=32)

    model = SeasonLSTM()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(24):
        model.train()
        for i, (seqs, labels) in enumerate(train_loader):
            outputs = model(seqs)
            loss = criterion(outputs, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            correct = total = 0
            test_loss = 0.0
            for seqs, labels in test_loader:
                outputs = model(seqs)
                test_loss += criterion(outputs, labels).item() * labels.size(0)
                _, predicted = torch.max(outputs.data, 1)
                total += labels.size(0)
                correct += (predicted == labels).sum().item()
        if epoch % 4 == 3:
            print(f"Epoch [{epoch + 1}/24], Loss: {loss.item():.4f}, Test loss: {test_loss / total:.4f}, Test accuracy: {100 * correct / total:.2f} %")
    print(f"final accuracy {correct / total:.4f}")


if __name__ == "__main__":
    main()
