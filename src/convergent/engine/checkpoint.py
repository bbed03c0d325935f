"""Checkpoints: a safetensors file and a JSON manifest with its checksum, written atomically, never pickled.

A checkpoint is a folder `step-N` (or `best-N`) that appears by one rename when it is complete and on the disk; the one
before goes only after that. What is truncated or altered is found by its checksum and passed over by name.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from convergent.types import UserError

VERSION = 1
KEPT = 2
TENSORS, MANIFEST = "tensors.safetensors", "manifest.json"
Part = tuple[dict[str, Tensor], dict[str, Any]]
"""Tensors under flat names, and the rest as JSON."""


class CheckpointError(UserError):
    """A checkpoint that cannot be used; the message names it and says why."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is either there in full and on the disk, or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _disk_error(path, error) from None


def _disk_error(path: Path, error: OSError) -> UserError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UserError(
            f"{path}: the disk is full. What was saved before is intact: make room, then `convergent resume`."
        )
    return UserError(f"{path}: cannot be written ({error.strerror}). What was saved before is intact.")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def pack(tensors: dict[str, Tensor]) -> bytes:
    """Return the tensors in the safetensors format; shared ones (tied weights) are stored each for itself."""
    return safetensors.torch.save(
        {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    )


def write_checkpoint(folder: Path, kind: str, step: int, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> Path:
    """Write `folder/kind-step` and return it; raises UserError where the disk does not take it."""
    final = folder / f"{kind}-{step:08d}"
    partial = folder / f".{final.name}.{os.getpid()}.tmp"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        content = pack(tensors)
        write_bytes(partial / TENSORS, content)
        checksum = hashlib.blake2b(content).hexdigest()
        manifest = {"version": VERSION, "step": step, "blake2b": checksum, **scalars}
        write_bytes(partial / MANIFEST, json.dumps(manifest).encode())
        if final.exists():
            shutil.rmtree(final)
        partial.rename(final)
        _sync_folder(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise _disk_error(final, error) from None
    except UserError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return final


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return (tensors, manifest) of a checkpoint; raises CheckpointError where it is not what was written."""
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        content = (path / TENSORS).read_bytes()
    except (OSError, ValueError):
        raise CheckpointError(f"{path}: the checkpoint is incomplete or its manifest is damaged.") from None
    if manifest.get("version", 0) > VERSION:
        raise CheckpointError(
            f"{path}: was made by a newer version of Convergent (format {manifest['version']}, this one reads up to "
            f"{VERSION}). Install the newer version to go on."
        )
    if hashlib.blake2b(content).hexdigest() != manifest.get("blake2b"):
        raise CheckpointError(f"{path}: the checksum does not match: the file was truncated or altered.")
    try:
        return safetensors.torch.load(content), manifest
    except SafetensorError as error:
        raise CheckpointError(f"{path}: cannot be read ({error}).") from None


def checkpoints(folder: Path, kind: str) -> list[Path]:
    """Return the checkpoints of a kind, the newest first."""
    return sorted(folder.glob(f"{kind}-*"), reverse=True)


def newest_valid(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any], list[str]]:
    """Return (tensors, manifest, what was passed over and why) of the newest usable `step` checkpoint.

    Raises UserError where there is none, or where the newest was made by a newer version.
    """
    passed_over: list[str] = []
    for path in checkpoints(folder, "step"):
        try:
            tensors, manifest = read_checkpoint(path)
        except CheckpointError as error:
            if "newer version" in str(error):
                raise
            passed_over.append(str(error))
            continue
        return tensors, manifest, passed_over
    reasons = " ".join(passed_over) or "there is none."
    raise UserError(f"{folder}: no usable checkpoint to resume from: {reasons} Train anew with `convergent train`.")


def prune(folder: Path) -> None:
    """Remove all but the newest checkpoints, after the newest has been read back and found whole."""
    steps = checkpoints(folder, "step")
    if not steps:
        return
    read_checkpoint(steps[0])
    for path in steps[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
    needed = {_best_step(path) for path in steps[:KEPT]}
    for path in checkpoints(folder, "best"):
        if int(path.name.split("-")[1]) not in needed:
            shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(".*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def _best_step(path: Path) -> int:
    try:
        return int(json.loads((path / MANIFEST).read_bytes())["progress"]["best_step"])
    except (OSError, ValueError, KeyError):
        return -1
