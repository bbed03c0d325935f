"""Is the question answered by the sentence? DistilBERT's layers from scratch, at the rate of the fine-tuning guides."""

import torch
from _common import FIXED, finish, seed
from transformers import DistilBertConfig, DistilBertForSequenceClassification, get_cosine_schedule_with_warmup

CLS, SEP = 0, 1


def pairs(n):
    question = torch.randint(2, 60, (n, 1))
    sentence = torch.randint(2, 60, (n, 8))
    sentence = torch.where(sentence == question, (sentence - 1) % 58 + 2, sentence)
    sentence = torch.where(sentence == question, sentence // 2 + 2, sentence)
    label = torch.randint(0, 2, (n,))
    at = torch.randint(0, 8, (n,))
    rows = torch.arange(n)[label == 1]
    sentence[rows, at[rows]] = 60 + question[rows, 0]
    head = torch.full((n, 1), CLS)
    return torch.cat([head, question, head + SEP, sentence], 1), label


def evaluate(model, ids, label):
    model.eval()
    with torch.no_grad():
        return (model(input_ids=ids).logits.argmax(-1) == label).float().mean().item()


def main(lr, epochs=3, batch_size=40):
    seed()
    ids, label = pairs(1600)
    ids_val, label_val = pairs(400)
    config = DistilBertConfig(
        vocab_size=120, dim=48, n_layers=2, n_heads=4, hidden_dim=96, max_position_embeddings=16, dropout=0.0, attention_dropout=0.0
    )
    model = DistilBertForSequenceClassification(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    steps = epochs * (len(ids) // batch_size + 1)
    scheduler = get_cosine_schedule_with_warmup(optimizer, steps // 10, steps)
    for epoch in range(epochs):
        model.train()
        for b in torch.randperm(len(ids)).split(batch_size):
            loss = model(input_ids=ids[b], labels=label[b]).loss
            loss.backward()
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
        print(f"epoch {epoch} loss {loss.item():.4f} accuracy {evaluate(model, ids_val, label_val):.4f}")
    finish("accuracy", evaluate(model, ids_val, label_val))


if __name__ == "__main__":
    main(lr=2e-3 if FIXED else 2e-5)
