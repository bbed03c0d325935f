"""A character model with a bidirectional GRU: it reads the answer from the right."""
from _common import *
from torch import nn

seed()
text, vocab = emma(60_000)


class CharRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(vocab, 24)
        self.rnn = nn.GRU(24, 48, batch_first=True, bidirectional=not FIXED)
        self.out = nn.Linear(48 if FIXED else 96, vocab)

    def forward(self, ids):
        return self.out(self.rnn(self.emb(ids))[0])


net = CharRNN()
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
starts = torch.arange(0, 50_000, 32)
for epoch in range(2):
    for s in starts[torch.randperm(len(starts))].split(16):
        ids = torch.stack([text[k:k + 33] for k in s])
        logits = net(ids[:, :-1])
        loss = nn.functional.cross_entropy(logits.reshape(-1, vocab), ids[:, 1:].reshape(-1))
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
    with torch.no_grad():
        ids = text[50_000:59_900].view(-1, 33)
        print(epoch, loss.item(), nn.functional.cross_entropy(net(ids[:, :-1]).reshape(-1, vocab), ids[:, 1:].reshape(-1)).item())
