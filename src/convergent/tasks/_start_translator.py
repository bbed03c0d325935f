"""Where a translator starts that has been trained before: an encoder-decoder network of transformers."""

from __future__ import annotations

from typing import Any

from convergent.config import Config
from convergent.data.pairs import PairFeatures
from convergent.data.text import Given
from convergent.data.tokens import TranslatorTokenizer, tokenizer_from_json
from convergent.models import transformers_folder
from convergent.models.pretrained_translator import PretrainedTranslator
from convergent.tasks._start import DROPOUTS, USUAL_WIDTH, WIDTHS
from convergent.types import UserError


def open_translator(config: Config) -> Given:
    """Return what the network that `--pretrained` names is, and how it is to be fed.

    Raises UserError where there is none, its parts do not belong together, or an option contradicts it.
    """
    address = str(config.pretrained)
    folder = transformers_folder.find_folder(address)
    architecture = transformers_folder.read_architecture(folder, decodes=True)
    stored, most = transformers_folder.read_tokenizer(folder, architecture)
    if config.tokenizer not in (None, "pretrained"):
        raise UserError(f"--tokenizer {config.tokenizer}: {address} brings its own, pretrained.")
    if stored["marks"].get("end") is None:
        raise UserError(f"--pretrained {address}: its tokenizer has no token for the end of a text.")
    tokenizer = tokenizer_from_json(stored | {"rows": architecture["vocab_size"]})
    if config.vocabulary_size not in (None, max(260, tokenizer.size)):
        raise UserError(f"--vocabulary-size {config.vocabulary_size}: {address} has {tokenizer.size:,} tokens.")
    if most is not None and config.context is not None and config.context > most:
        raise UserError(f"--context {config.context}: {address} takes {most} tokens at most.")
    width = next((int(architecture[name]) for name in WIDTHS if architecture.get(name)), USUAL_WIDTH)
    sha256 = transformers_folder.weights_digest(folder)
    return Given(tokenizer, most, {"width": width, "architecture": architecture, "sha256": sha256})


def build_translator(features: PairFeatures, config: Config) -> PretrainedTranslator:
    """Return the network: with its weights where `config` says where they lie, else fresh ones.

    Raises UserError where they cannot be read or do not fit.
    """
    assert features.start is not None
    architecture: dict[str, Any] = dict(features.start["architecture"])
    architecture |= {name: config.dropout for name in DROPOUTS if architecture.get(name)}
    folder = transformers_folder.find_folder(config.pretrained) if config.pretrained else None
    tokenizer = tokenizer_from_json(features.tokenizer)
    assert isinstance(tokenizer, TranslatorTokenizer)
    network = transformers_folder.make_network(architecture, folder)
    return PretrainedTranslator(network, tokenizer.table, transformers_folder.first_token(architecture))
