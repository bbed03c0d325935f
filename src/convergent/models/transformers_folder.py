"""A pretrained network of transformers from its folder, or the hub by name: what it is, its tokeniser, its weights.

Wolf et al. 2020, https://arxiv.org/abs/1910.03771. No code that comes with a network is run, and weights that are not
safetensors are read as plain tensors alone (`weights_only`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from torch import nn

from convergent.types import UserError

SAFE, UNSAFE = ("*.safetensors",), ("pytorch_model*.bin",)
DESCRIPTION = ("*.json", "vocab.*", "merges.txt", "*.model")
HUB = "https://huggingface.co"
CONNECT_SECONDS = 5.0
QUIET = 50  # of critical errors alone, as the standard library counts
NO_LIMIT = 1_000_000  # tokenisers that know of no limit say 10^30
FEWEST_KNOWN = 0.75  # of the rows of an embedding; some have a few more than the tokeniser, for their alignment
WITH_DECODER = "an encoder with a decoder ({}). Give an encoder."
HINT = "Give the folder of an encoder that `save_pretrained` wrote (config.json, weights, tokenizer)"


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Keep transformers from printing progress and reports of what it loads: what matters becomes an error of ours."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(QUIET)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def find_folder(address: str) -> Path:
    """Return the folder of a network: a local one, or that of the hub's network of that name, fetched where needed.

    Raises UserError where there is none, or the hub cannot be reached.
    """
    path = Path(address).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise UserError(f"--pretrained {address}: is a file. {HINT}.")
    if address.count("/") > 1 or address.startswith((".", "/", "~")):
        raise UserError(f"--pretrained {address}: there is no such folder. {HINT}, or the name of one on the hub.")
    return _fetched(address)


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        with contextlib.suppress(OSError):
            found = Path(snapshot_download(name, local_files_only=True, allow_patterns=[*DESCRIPTION, *SAFE]))
            if weight_files(found):
                return found
        _check_connection()
        with silent():
            folder = Path(snapshot_download(name, allow_patterns=[*DESCRIPTION, *SAFE]))
            if not weight_files(folder):
                folder = Path(snapshot_download(name, allow_patterns=[*DESCRIPTION, *UNSAFE]))
    except Exception as error:  # the hub's library raises those of its own and of the network
        raise UserError(
            f"--pretrained {name}: there is no such folder here, and the hub does not give it ({_first_line(error)}). "
            f"{HINT}."
        ) from None
    return folder


def _check_connection() -> None:
    """Raise OSError at once where the hub's host cannot be reached: its library would try for a minute."""
    if os.environ.get("HF_HUB_OFFLINE") or os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return
    host = urlsplit(os.environ.get("HF_ENDPOINT", HUB))
    with socket.create_connection((host.hostname or "", host.port or 443), timeout=CONNECT_SECONDS):
        return


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return " ".join(lines[0].split())[:200] if lines else type(error).__name__


def weight_files(folder: Path) -> list[Path]:
    """Return the files of weights: safetensors where there are any, else pickled ones that hold tensors alone."""
    for patterns in (SAFE, UNSAFE):
        found = sorted(path for pattern in patterns for path in folder.glob(pattern))
        if found:
            return found
    return []


def read_architecture(folder: Path, *, decodes: bool = False) -> dict[str, Any]:
    """Return what `make_network` takes: the content of config.json, with all defaults.

    decodes  it is to be an encoder with a decoder, which is refused otherwise
    Raises UserError where it is missing or describes nothing that reads texts.
    """
    from transformers import AutoConfig

    if not (folder / "config.json").is_file():
        raise UserError(f"--pretrained {folder}: holds no config.json. {HINT}, or a run of language-modelling.")
    try:
        with silent():
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        architecture: dict[str, Any] = json.loads(config.to_json_string(use_diff=False))
    except Exception as error:  # transformers raises all kinds
        raise UserError(f"--pretrained {folder}: config.json cannot be used ({_first_line(error)}).") from None
    if config.is_encoder_decoder != decodes:
        says = "no encoder with a decoder ({}). Give one, such as T5 or BART." if decodes else WITH_DECODER
        raise UserError(f"--pretrained {folder}: is {says.format(config.model_type)}")
    if not isinstance(architecture.get("vocab_size"), int):
        raise UserError(f"--pretrained {folder}: reads no tokens ({config.model_type}). Give an encoder of texts.")
    return architecture


def read_tokenizer(folder: Path, architecture: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    """Return (what `tokenizer_from_json` takes, most tokens of a text or None).

    Raises UserError where there is none, or it does not match the weights.
    """
    from transformers import AutoTokenizer

    try:
        with silent():
            wrapped = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        inner: dict[str, Any] = json.loads(wrapped.backend_tokenizer.to_str())
        ids = wrapped.get_vocab().values()
    except Exception as error:  # transformers and tokenizers raise all kinds, bare Exception too
        raise UserError(f"--pretrained {folder}: its tokenizer cannot be read ({_first_line(error)}).") from None
    rows = architecture["vocab_size"]
    known = 1 + max(ids, default=-1)
    if known > rows or known < FEWEST_KNOWN * rows:
        raise UserError(
            f"--pretrained {folder}: the tokenizer knows {known:,} tokens and the weights {rows:,}: they do not belong "
            "together. Give the folder as it was saved."
        )
    marks = {"padding": wrapped.pad_token_id, "unknown": wrapped.unk_token_id, "mask": wrapped.mask_token_id}
    if architecture.get("is_encoder_decoder"):
        marks["end"] = wrapped.eos_token_id
    return {"kind": "pretrained", "tokenizers": inner, "marks": marks}, _most_tokens(wrapped, architecture)


def _most_tokens(wrapped: Any, architecture: dict[str, Any]) -> int | None:
    """Return how many tokens the network can be given: by its tokeniser, and by its table of places.

    Those after RoBERTa begin behind the padding's id, so that their table has a few rows more.
    """
    limits = [int(wrapped.model_max_length)] if wrapped.model_max_length < NO_LIMIT else []
    places = architecture.get("max_position_embeddings") or architecture.get("n_positions")
    if isinstance(places, int) and places > 0:
        behind = (architecture.get("pad_token_id") or 0) + 1
        limits.append(places - behind if (places - behind).bit_count() == 1 else places)
    return min(limits, default=None)


def weights_digest(folder: Path) -> str:
    """Return the SHA-256 of the weights and config.json; raises UserError where there are no weights."""
    files = weight_files(folder)
    if not files:
        raise UserError(f"--pretrained {folder}: holds no weights (model.safetensors). {HINT}.")
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def first_token(architecture: dict[str, Any]) -> int:
    """Return the id that stands in front of what a decoder writes."""
    known = (architecture.get(name) for name in ("decoder_start_token_id", "bos_token_id", "pad_token_id"))
    return next((int(one) for one in known if isinstance(one, int)), 0)


def make_network(architecture: dict[str, Any], folder: Path | None) -> nn.Module:
    """Return the network in float32 with the weights in `folder`, or fresh ones; with a decoder it has its head.

    Raises UserError where the weights cannot be read or do not fit.
    """
    from transformers import AutoConfig, AutoModel, AutoModelForSeq2SeqLM

    fields = {name: value for name, value in architecture.items() if name not in ("model_type", "dtype", "auto_map")}
    try:
        config = AutoConfig.for_model(architecture["model_type"], **fields)
        config.use_cache = False
        auto = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModel
        with silent():
            return _loaded(auto, config, folder) if folder else _fresh(auto, config)
    except UserError:
        raise
    except Exception as error:  # transformers raises all kinds
        where = f"--pretrained {folder}: " if folder else ""
        raise UserError(f"{where}the network cannot be made ({_first_line(error)}).") from None


def _fresh(auto: Any, config: Any) -> nn.Module:
    network: nn.Module
    try:  # what BERT puts on its first token is another task's head, and would be trained for nothing
        network = auto.from_config(config, dtype=torch.float32, add_pooling_layer=False)
    except TypeError:
        network = auto.from_config(config, dtype=torch.float32)
    return network


def _loaded(auto: Any, config: Any, folder: Path) -> nn.Module:
    options: dict[str, Any] = {
        "config": config,
        "dtype": torch.float32,
        "use_safetensors": weight_files(folder)[0].suffix == ".safetensors",
        "weights_only": True,
        "local_files_only": True,
        "trust_remote_code": False,
        "output_loading_info": True,
    }
    try:
        network, told = auto.from_pretrained(folder, add_pooling_layer=False, **options)
    except TypeError:
        network, told = auto.from_pretrained(folder, **options)
    lacking = sorted(name for name in told["missing_keys"] if not name.startswith("pooler."))
    if lacking:
        raise UserError(f"--pretrained {folder}: the weights lack `{lacking[0]}` and {len(lacking) - 1} more.")
    loaded: nn.Module = network
    return loaded
