"""Low-rank updates in place of whole matrices: Hu et al. 2021, https://arxiv.org/abs/2106.09685, by peft."""

from __future__ import annotations

from typing import Any

from torch import nn

from convergent.types import UserError

SCALE = 2  # alpha over rank


def add_lora(network: nn.Module, rank: int, dropout: float) -> None:
    """Freeze the network and put low-rank updates, zero at first, beside its matrices; embeddings get none.

    Raises UserError where peft is not installed.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise UserError("--lora needs peft: pip install 'convergent[lora]'.") from None
    matrices = [name for name, module in network.named_modules() if type(module).__name__ in ("Linear", "Conv1D")]
    if not matrices:
        raise UserError("--lora: the pretrained network has only recurrent layers, no matrices. Leave it away.")
    transposed = any(type(module).__name__ == "Conv1D" for module in network.modules())  # as GPT-2 has them
    options: dict[str, Any] = {"r": rank, "lora_alpha": SCALE * rank, "lora_dropout": dropout}
    config = LoraConfig(target_modules=matrices, fan_in_fan_out=transposed, **options)
    inject_adapter_in_model(config, network)
