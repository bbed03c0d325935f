"""Translation by a pretrained encoder-decoder network: its tokens, its numbers, what is refused, a run to its end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import BartConfig, BartForConditionalGeneration, PreTrainedModel, T5Config, T5ForConditionalGeneration

from convergent.config import make_config
from convergent.data.source import open_source
from convergent.data.tokens import END, PAD, TranslatorTokenizer, tokenizer_from_json
from convergent.models import transformers_folder
from convergent.models.beam import translate
from convergent.models.pretrained_translator import PretrainedTranslator
from convergent.run import train
from convergent.tasks._translating import NEVER, Translating
from convergent.tasks.translation import TASK
from convergent.trained import Run
from convergent.types import UserError
from encoders import write_encoder, write_tokenizer
from test_translation import greedy, pairs, write

PLAIN: dict[str, Any] = {"plan": "off", "treat": "off", "preflight": False, "say": lambda line: None}


def make_network(kind: str, size: int) -> PreTrainedModel:
    """Return a small T5 or BART whose end of a text is [SEP] (3), the same each time; two rows are nobody's."""
    torch.manual_seed(0)
    marks = {"pad_token_id": 0, "eos_token_id": 3, "decoder_start_token_id": 2}
    if kind == "t5":
        shape = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
        return T5ForConditionalGeneration(T5Config(vocab_size=size + 2, **shape, **marks))
    sizes = {f"{part}_{name}": value for part in ("encoder", "decoder") for name, value in
             (("layers", 2), ("attention_heads", 2), ("ffn_dim", 64))}  # fmt: skip
    config = BartConfig(vocab_size=size + 2, d_model=32, max_position_embeddings=48, **sizes, **marks)
    return BartForConditionalGeneration(config)


@pytest.fixture(scope="module", params=["t5", "bart"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp(request.param)
    wrapped = write_tokenizer(path)
    wrapped.eos_token = "[SEP]"
    wrapped.save_pretrained(path)
    make_network(request.param, len(wrapped)).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def few_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("pairs") / "pairs.tsv", pairs(), "english\tspanish\n")


def built(data: Path, **options: Any) -> tuple[Any, Translating]:
    config = make_config(task="translation", **options)
    splits = TASK.load(open_source(str(data)), config)
    config = TASK.defaults(splits.spec, config)
    network = TASK.build(splits.spec, config)
    assert isinstance(network, Translating) and isinstance(network.network, PretrainedTranslator)
    return splits, network.eval()


def test_ids_change_places_and_texts_come_back(folder: Path) -> None:
    architecture = transformers_folder.read_architecture(folder, decodes=True)
    stored, _ = transformers_folder.read_tokenizer(folder, architecture)
    stored = json.loads(json.dumps(stored | {"rows": architecture["vocab_size"]}))
    tokenizer = tokenizer_from_json(stored)
    assert (
        isinstance(tokenizer, TranslatorTokenizer) and tokenizer_from_json(tokenizer.to_json()).size == tokenizer.size
    )
    assert sorted(tokenizer.table) == list(range(architecture["vocab_size"]))
    assert tokenizer.table[PAD] == 0 and tokenizer.table[END] == 3
    ids = tokenizer.encode("call the mobile [SEP] now")
    assert PAD not in ids and END not in ids and tokenizer.decode([*ids, END, PAD]) == "call the mobile now"
    assert [tokenizer.table[one] for one in tokenizer.opening] == [2]


@torch.no_grad()
def test_its_numbers_are_those_of_transformers(folder: Path, few_pairs: Path) -> None:
    splits, model = built(few_pairs, pretrained=str(folder))
    source_BS, tokens_BT = splits.train.batch(range(3)).inputs
    theirs = model.network.network
    table = torch.tensor(tokenizer_from_json(splits.spec.features["tokenizer"]).table)  # type: ignore[attr-defined]
    ids_BT = table[tokens_BT]
    ids_BT[:, 0] = 2
    mask = (source_BS != PAD).long()
    logits = theirs(input_ids=table[source_BS], attention_mask=mask, decoder_input_ids=ids_BT).logits  # type: ignore[operator]
    real = tokens_BT != PAD
    assert torch.allclose(model(source_BS, tokens_BT)[real], logits[..., table][real], atol=1e-5)


def test_with_the_cache_it_writes_what_it_writes_without(folder: Path, few_pairs: Path) -> None:
    splits, model = built(few_pairs, pretrained=str(folder))
    for parameter in model.network.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    source_BS: Tensor = splits.train.batch(range(4)).inputs[0]
    found = translate(model.network, source_BS, 1, 20, END, NEVER)
    for row, ids in zip(source_BS, found, strict=True):
        real = row[row != PAD][None]
        assert ids == greedy(model.network, real, min(20, 2 * real.shape[1] + 10))
    together = translate(model.network, source_BS, 3, 20, END, NEVER)
    assert together == [translate(model.network, row[row != PAD][None], 3, 20, END, NEVER)[0] for row in source_BS]


def test_what_does_not_fit_is_refused(folder: Path, few_pairs: Path, tmp_path: Path) -> None:
    def refused(word: str, pretrained: Path, **options: Any) -> None:
        with pytest.raises(UserError, match=word) as error:
            built(few_pairs, pretrained=str(pretrained), **options)
        assert "\n" not in str(error.value)

    refused("no encoder with a decoder", write_encoder(tmp_path / "bert"))
    refused("Leave --model away", folder, model="gru")
    refused("width", folder, width=64)
    refused("text-classification", folder, lora=4)
    refused("brings its own", folder, tokenizer="bytes")
    refused("no such folder", tmp_path / "nothing")
    copied = Path(shutil.copytree(folder, tmp_path / "copied"))
    (copied / "model.safetensors").unlink()
    refused("no weights", copied)
    make_network("t5", 200).save_pretrained(copied)
    refused("do not belong together|knows", copied)
    with pytest.raises(UserError, match="needs --pretrained"):
        TASK.defaults(TASK.load(open_source(str(few_pairs)), make_config()).spec, make_config(model="pretrained"))


def test_from_data_to_a_model_that_was_moved(folder: Path, few_pairs: Path, tmp_path: Path) -> None:
    start = Path(shutil.copytree(folder, tmp_path / "start"))
    options: dict[str, Any] = {**PLAIN, "epochs": 12, "learning_rate": 5e-3, "dropout": 0.0, "batch_size": 16}
    run = train(str(few_pairs), out=str(tmp_path / "run"), pretrained=str(start), **options)
    assert run.result["model"] == "pretrained" and run.result["valid"]["bleu"] > run.result["baseline"]["bleu"]
    shutil.copytree(tmp_path / "run" / "model", tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "run")
    shutil.rmtree(start)
    (answer,) = Run(tmp_path / "elsewhere").predict("the man sees my old friend.")
    assert set(answer) == {"input", "translation"} and answer["translation"]
