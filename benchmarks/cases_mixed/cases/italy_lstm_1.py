"""Summer or winter, from a day of power demand in Italy."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, seed_all, series


class SeasonLSTM(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(input_size=1, hidden_size=hidden, num_layers=1, batch_first=FIXED)
        self.fc = nn.Linear(hidden, 2)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1, :])


def get_data():
    x, y = series("ItalyPowerDemand", "TEST")
    x, y = torch.from_numpy(x).unsqueeze(-1), torch.from_numpy(y) - 1
    order = torch.randperm(len(y))
    return x[order], y[order]


def main():
    seed_all()
    x, y = get_data()
    train = DataLoader(TensorDataset(x[:750], y[:750]), batch_size=25, shuffle=True)
    val = DataLoader(TensorDataset(x[750:], y[750:]), batch_size=25)
    model = SeasonLSTM()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(25):
        model.train()
        train_loss = 0.0
        for inputs, labels in train:
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() / len(train)
        model.eval()
        val_loss, correct = 0.0, 0
        with torch.no_grad():
            for inputs, labels in val:
                outputs = model(inputs)
                val_loss += criterion(outputs, labels).item() / len(val)
                correct += (outputs.argmax(1) == labels).sum().item()
        acc = correct / len(val.dataset)
        print(f"Epoch {epoch + 1}: train {train_loss:.4f} val {val_loss:.4f} accuracy {acc:.4f}")
    print(f"final accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
