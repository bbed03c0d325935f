"""A character LSTM that carries its state from batch to batch, with clipping."""
from _common import *
from torch import nn

seed()
text, vocab = emma(120_000)
streams = text[:110_000].view(20, -1)
valid = text[110_000:120_000].view(20, -1)


class CharLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(vocab, 32)
        self.lstm = nn.LSTM(32, 96, batch_first=True)
        self.out = nn.Linear(96, vocab)

    def forward(self, x, state=None):
        h, state = self.lstm(self.emb(x), state)
        return self.out(h), state


model = CharLSTM()
opt = torch.optim.Adam(model.parameters(), 4e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(2):
    state = None
    model.train()
    for t in range(0, streams.shape[1] - 41, 40):
        xb, yb = streams[:, t:t + 40], streams[:, t + 1:t + 41]
        opt.zero_grad()
        logits, state = model(xb, state)
        state = tuple(s.detach() for s in state)
        loss = criterion(logits.reshape(-1, vocab), yb.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
    model.eval()
    with torch.no_grad():
        logits, _ = model(valid[:, :-1])
        print(epoch, loss.item(), criterion(logits.reshape(-1, vocab), valid[:, 1:].reshape(-1)).item())
