"""Small networks of transformers that tests write themselves: nothing is fetched."""

from __future__ import annotations

import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2Model,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [
    *("you", "to", "the", "call", "now", "free", "your", "for", "is", "have"),
    *("txt", "and", "text", "mobile", "claim", "prize", "won", "stop"),
]
SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64}
LENGTH = 48


def write_tokenizer(folder: Path, words: int = len(WORDS)) -> PreTrainedTokenizerFast:
    """Write a WordPiece tokeniser of letters and a few words, with settings that only its makers needed."""
    pieces = [*SPECIAL, *string.ascii_lowercase, *string.digits, *(f"##{one}" for one in string.ascii_lowercase)]
    vocabulary = {piece: place for place, piece in enumerate([*pieces, *WORDS[:words]])}
    inner = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece()
    marks = [("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    inner.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    inner.enable_truncation(8)
    inner.enable_padding(length=8)
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "[MASK]", "cls_token": "[CLS]"}
    wrapped = PreTrainedTokenizerFast(tokenizer_object=inner, sep_token="[SEP]", model_max_length=LENGTH, **names)
    wrapped.save_pretrained(folder)
    return wrapped


def make_network(kind: str, size: int) -> PreTrainedModel:
    """Return a small BERT, RoBERTa or GPT-2, the same each time."""
    torch.manual_seed(0)
    if kind == "gpt2":
        return GPT2Model(GPT2Config(vocab_size=size, n_embd=32, n_layer=3, n_head=2, n_positions=LENGTH))
    if kind == "roberta":
        places = {"max_position_embeddings": LENGTH + 1, "pad_token_id": 0}
        return RobertaModel(RobertaConfig(vocab_size=size, **SIZES, **places))
    return BertModel(BertConfig(vocab_size=size, max_position_embeddings=LENGTH, **SIZES))


def write_encoder(folder: Path, kind: str = "bert") -> Path:
    """Write a small network with its tokeniser as `save_pretrained` does, and return its folder."""
    size = len(write_tokenizer(folder))
    make_network(kind, size).save_pretrained(folder)
    return folder
