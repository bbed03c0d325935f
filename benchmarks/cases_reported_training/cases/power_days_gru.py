"""Summer or winter? A GRU over the electricity use of one day in Italy."""
import torch
from torch import nn

from _common import FIXED, SAMPLES, finish, seed


def days():
    x, y = [], []
    for name in ("ItalyPowerDemand_TRAIN.ts", "ItalyPowerDemand_TEST.ts"):
        for line in (SAMPLES / name).read_text().splitlines():
            if line and line[0] not in "#@":
                values, label = line.rsplit(":", 1)
                x.append([float(v) for v in values.split(",")])
                y.append(int(label) - 1)
    return torch.tensor(x).unsqueeze(-1), torch.tensor(y)


class DayGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(input_size=1, hidden_size=24, batch_first=True)
        self.classify = nn.Linear(24, 2)

    def forward(self, x):
        _, h = self.gru(x)
        return self.classify(h.squeeze(0))


def main():
    seed()
    x, y = days()
    order = torch.randperm(len(x))
    x, y = x[order], y[order]
    x_train, y_train, x_test, y_test = x[:700], y[:700], x[700:], y[700:]
    model = DayGRU()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(40):
        model.train()
        for rows in torch.randperm(len(x_train)).split(20):
            if FIXED:
                optimizer.zero_grad()
            outputs = model(x_train[rows])
            loss = criterion(outputs, y_train[rows])
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            train_loss = criterion(model(x_train), y_train).item()
            accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1} train loss {train_loss:.4f} test accuracy {accuracy:.4f}")
    finish("accuracy", accuracy)


if __name__ == "__main__":
    main()
