"""Writes ONNX files. Only what a converter of small networks needs: nodes, attributes, tensors.

An ONNX file is one protocol-buffers message; the field numbers are those of `onnx.proto` (IR version 8). The `onnx`
package would do the same with 20 MB and a compiled extension; the bytes made here depend on nothing but the input,
so a converted model has a SHA-256 that can be pinned.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_IR_VERSION = 8
OPSET_VERSION = 13

_DATA_TYPES = {np.dtype(np.float32): 1, np.dtype(np.int32): 6, np.dtype(np.int64): 7}

type Attribute = int | float | str | Sequence[int]
type Tensor = NDArray[Any]
"""float32, int32 or int64."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation of the default ONNX domain."""

    operation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ValueInfo:
    """A float input or output of the network: its name and its shape."""

    name: str
    shape: tuple[int, ...]


def write_model(
    nodes: Iterable[Node],
    tensors: Mapping[str, Tensor],
    inputs: Iterable[ValueInfo],
    outputs: Iterable[ValueInfo],
    producer: str,
) -> bytes:
    """The bytes of an ONNX model. Nodes must come in an order in which each input is known.

    Raises ValueError for a tensor that is neither float32, int32 nor int64.
    """
    graph = b"".join(
        [
            *(_message(1, _node(node)) for node in nodes),
            _text(2, "graph"),
            *(_message(5, _tensor(name, tensor)) for name, tensor in tensors.items()),
            *(_message(11, _value_info(value)) for value in inputs),
            *(_message(12, _value_info(value)) for value in outputs),
        ]
    )
    opset = _text(1, "") + _integer(2, OPSET_VERSION)
    return _integer(1, _IR_VERSION) + _text(2, producer) + _message(7, graph) + _message(8, opset)


def _node(node: Node) -> bytes:
    return b"".join(
        [
            *(_text(1, name) for name in node.inputs),
            *(_text(2, name) for name in node.outputs),
            _text(3, node.outputs[0]),
            _text(4, node.operation),
            *(_message(5, _attribute(name, value)) for name, value in node.attributes.items()),
        ]
    )


def _attribute(name: str, value: Attribute) -> bytes:
    head = _text(1, name)
    match value:
        case int():
            return head + _integer(3, value) + _integer(20, 2)
        case float():
            return head + _key(2, 5) + struct.pack("<f", value) + _integer(20, 1)
        case str():
            return head + _text(4, value) + _integer(20, 3)
        case _:
            return head + b"".join(_integer(8, item) for item in value) + _integer(20, 7)


def _tensor(name: str, tensor: Tensor) -> bytes:
    data_type = _DATA_TYPES.get(tensor.dtype)
    if data_type is None:
        raise ValueError(f"tensor {name!r} has the type {tensor.dtype}, which is not supported")
    dims = b"".join(_integer(1, size) for size in tensor.shape)
    little_endian = np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<"))
    return dims + _integer(2, data_type) + _text(8, name) + _message(9, little_endian.tobytes())


def _value_info(value: ValueInfo) -> bytes:
    shape = b"".join(_message(1, _integer(1, size)) for size in value.shape)
    tensor_type = _integer(1, 1) + _message(2, shape)
    return _text(1, value.name) + _message(2, _message(1, tensor_type))


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers are written as 64-bit two's complement
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _key(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _integer(number: int, value: int) -> bytes:
    return _key(number, 0) + _varint(value)


def _message(number: int, payload: bytes) -> bytes:
    return _key(number, 2) + _varint(len(payload)) + payload


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())
