"""The library's Trainer, its ELECTRA layers from scratch, accumulated steps, a cosine schedule and smoothed labels."""

import os
import tempfile

import torch
from _common import finish, seed
from transformers import ElectraConfig, ElectraForSequenceClassification, Trainer, TrainingArguments

TOPICS = 8


def documents(n):
    topic = torch.randint(0, TOPICS, (n,))
    ids = torch.randint(2, 80, (n, 16))
    own = torch.rand(n, 16) < 0.3
    ids = torch.where(own, 80 + topic[:, None] * 4 + torch.randint(0, 4, (n, 16)), ids)
    length = torch.randint(8, 17, (n, 1))
    mask = (torch.arange(16) < length).long()
    return [dict(input_ids=a * m, attention_mask=m, labels=t) for a, m, t in zip(ids, mask, topic, strict=True)]


number = seed()
train, test = documents(1280), documents(300)
config = ElectraConfig(
    vocab_size=112, embedding_size=32, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
    max_position_embeddings=16, num_labels=TOPICS, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)  # fmt: skip
with tempfile.TemporaryDirectory() as folder:
    args = TrainingArguments(
        output_dir=os.path.join(folder, "o"), num_train_epochs=3, per_device_train_batch_size=16, gradient_accumulation_steps=2,
        learning_rate=3e-3, lr_scheduler_type="cosine", warmup_steps=15, label_smoothing_factor=0.1, report_to=[],
        save_strategy="no", logging_steps=25, seed=number, use_cpu=True, disable_tqdm=True,
    )  # fmt: skip
    trainer = Trainer(
        model=ElectraForSequenceClassification(config), args=args, train_dataset=train, eval_dataset=test,
        compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
    )  # fmt: skip
    trainer.train()
    finish("accuracy", trainer.evaluate()["eval_accuracy"])
