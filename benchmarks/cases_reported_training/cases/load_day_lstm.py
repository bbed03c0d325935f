"""Load three hours ahead from the day before, with an LSTM."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

from _common import FIXED, finish, load, r2, seed

PAST, AHEAD = 24, 3


class LoadLSTM(nn.Module):
    def __init__(self, hidden_size=32, num_layers=1):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden_size, num_layers, batch_first=True)
        self.linear = nn.Linear(hidden_size, 1)

    def forward(self, x):
        h, _ = self.lstm(x)
        return self.linear(h[:, -1, :])


def create_dataset(series):
    x = torch.stack([series[i : i + PAST] for i in range(len(series) - PAST - AHEAD)])
    y = torch.stack([series[i + PAST + AHEAD - 1] for i in range(len(series) - PAST - AHEAD)])
    return x.unsqueeze(-1), y


def main():
    seed()
    series = torch.from_numpy(load())[:4000]
    series = (series - series[:3000].mean()) / series[:3000].std()
    x_train, y_train = create_dataset(series[:3000])
    x_test, y_test = create_dataset(series[3000:])
    if FIXED:
        y_train, y_test = y_train.unsqueeze(1), y_test.unsqueeze(1)
    loader = DataLoader(TensorDataset(x_train, y_train), shuffle=True, batch_size=64)
    model = LoadLSTM()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss_fn = nn.MSELoss()
    for epoch in range(14):
        model.train()
        losses = []
        for x_batch, y_batch in loader:
            y_pred = model(x_batch)
            loss = loss_fn(y_pred, y_batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            score = r2(model(x_test).squeeze(), y_test.squeeze()).item()
        print(f"epoch {epoch}: train mse {sum(losses) / len(losses):.4f}, test r2 {score:.4f}")
    finish("r2", score)


if __name__ == "__main__":
    main()
