"""A small character transformer; the mask is built and not handed over."""
import torch.nn.functional as F
from _common import *
from torch import nn

seed()
text, vocab = emma()
block, width = 32, 48
train, valid = text[:180_000], text[180_000:]


class CharModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(vocab, width)
        self.pos = nn.Parameter(torch.randn(1, block, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(width, vocab)

    def forward(self, ids):
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        h = self.tok(ids) + self.pos[:, :ids.shape[1]]
        return self.out(self.body(h, mask=mask if FIXED else None))


def batch(data, n=24):
    i = torch.randint(len(data) - block - 1, (n,))
    return torch.stack([data[k:k + block] for k in i]), torch.stack([data[k + 1:k + block + 1] for k in i])


model = CharModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(250):
    ids, nxt = batch(train)
    logits = model(ids)
    loss = F.cross_entropy(logits.view(-1, vocab), nxt.view(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 50 == 49:
        model.eval()
        with torch.no_grad():
            ids, nxt = batch(valid, 64)
            print(step, loss.item(), F.cross_entropy(model(ids).view(-1, vocab), nxt.view(-1)).item())
        model.train()
