"""Records of plain values and tensors as JSON beside a flat dictionary of tensors, and back: nothing is pickled.

What is not JSON already is an object with one key that says what it is. Columns of numbers become tensors: a list of
a thousand records with dictionaries of norms is a few tensors, bit for bit what it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from convergent.doctor.record import (
    ActivationSample,
    DataEvidence,
    Evaluation,
    Evidence,
    Experiments,
    Layer,
    LossCall,
    SampleSet,
    StepSample,
)

KINDS = (
    ActivationSample, DataEvidence, Evaluation, Evidence, Experiments, Layer, LossCall, SampleSet, StepSample,
)  # fmt: skip
RECORDS: dict[str, type] = {kind.__name__: kind for kind in KINDS}
FEW = 8
"""Shorter lists stand in the JSON itself."""


def pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return `value` as JSON, its tensors and columns of numbers added to `tensors`; raises TypeError for the rest.

    >>> held: dict[str, Tensor] = {}
    >>> unpack(pack({("a", 1): [0.5] * 10, "set": {3, 2}}, held), held) == {("a", 1): [0.5] * 10, "set": {2, 3}}
    True
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        return {"tensor": _held(value.detach(), tensors)}
    if isinstance(value, list):
        return _packed_list(value, tensors)
    if isinstance(value, tuple):
        return {"tuple": [pack(one, tensors) for one in value]}
    if isinstance(value, set):
        return {"set": _packed_list(sorted(value), tensors)}
    if isinstance(value, dict):
        return {"dict": [_packed_list(list(value), tensors), _packed_list(list(value.values()), tensors)]}
    if type(value) in KINDS:
        return {"record": type(value).__name__, "fields": _packed_fields(vars(value), tensors)}
    raise TypeError(f"{type(value).__name__} is no plain value")


def unpack(node: Any, tensors: dict[str, Tensor]) -> Any:
    """Return what `pack` was given; raises KeyError, TypeError or ValueError for what it did not give."""
    if isinstance(node, list):
        return [unpack(one, tensors) for one in node]
    if not isinstance(node, dict):
        return node
    kind = next(iter(node))
    return READERS[kind](node, tensors)


def _held(tensor: Tensor, tensors: dict[str, Tensor]) -> str:
    name = str(len(tensors))
    tensors[name] = tensor
    return name


def _packed_fields(fields: dict[str, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    return {name: pack(one, tensors) for name, one in fields.items()}


def _packed_list(values: Sequence[Any], tensors: dict[str, Tensor]) -> Any:
    """Return a list as a column where its values are of one kind and many, else one by one."""
    kinds = {type(one) for one in values}
    kind = kinds.pop() if len(kinds) == 1 and len(values) > FEW else None
    if kind is float:
        return {"numbers": _held(torch.tensor(values, dtype=torch.double), tensors)}
    if kind is int and all(-(2**63) <= one < 2**63 for one in values):
        return {"numbers": _held(torch.tensor(values, dtype=torch.long), tensors)}
    if kind is str:
        words = {word: place for place, word in enumerate(dict.fromkeys(values))}
        places = torch.tensor([words[word] for word in values], dtype=torch.int32)
        return {"words": list(words), "at": _held(places, tensors)}
    if kind is dict and _alike(values):
        keys, rows = list(values[0]), [list(one.values()) for one in values]
        matrix = torch.tensor(rows, dtype=torch.double).reshape(len(rows), len(keys))
        return {"rows": keys, "values": _held(matrix, tensors)}
    if kind in KINDS:
        columns = {name: [getattr(one, name) for one in values] for name in vars(values[0])}
        return {"table": kind.__name__, "columns": _packed_fields(columns, tensors)}
    return [pack(one, tensors) for one in values]


def _alike(values: Sequence[dict[Any, Any]]) -> bool:
    """Return whether all dictionaries have the same names in the same order, and nothing but floats."""
    keys = list(values[0])
    if not all(isinstance(key, str) for key in keys):
        return False
    return all(list(one) == keys and all(type(x) is float for x in one.values()) for one in values)


def _record(node: Any, tensors: dict[str, Tensor]) -> Any:
    kind = RECORDS[node["record"]]
    known = {field.name for field in dataclasses.fields(kind)}
    # What another version knew besides is left out; what it did not know has its default.
    return kind(**{name: unpack(one, tensors) for name, one in node["fields"].items() if name in known})


def _table(node: Any, tensors: dict[str, Tensor]) -> list[Any]:
    kind = RECORDS[node["table"]]
    known = {field.name for field in dataclasses.fields(kind)}
    columns = {name: unpack(one, tensors) for name, one in node["columns"].items() if name in known}
    return [kind(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def _words(node: Any, tensors: dict[str, Tensor]) -> list[str]:
    return [node["words"][place] for place in tensors[node["at"]].tolist()]


def _rows(node: Any, tensors: dict[str, Tensor]) -> list[dict[str, float]]:
    return [dict(zip(node["rows"], row, strict=True)) for row in tensors[node["values"]].tolist()]


def _dict(node: Any, tensors: dict[str, Tensor]) -> dict[Any, Any]:
    keys, values = (unpack(one, tensors) for one in node["dict"])
    return dict(zip(keys, values, strict=True))


READERS: dict[str, Callable[[Any, dict[str, Tensor]], Any]] = {
    "tensor": lambda node, tensors: tensors[node["tensor"]],
    "numbers": lambda node, tensors: tensors[node["numbers"]].tolist(),
    "words": _words,
    "rows": _rows,
    "table": _table,
    "record": _record,
    "tuple": lambda node, tensors: tuple(unpack(one, tensors) for one in node["tuple"]),
    "set": lambda node, tensors: set(unpack(node["set"], tensors)),
    "dict": _dict,
}
