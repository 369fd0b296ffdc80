"""The converter gives ONNX networks that compute what the TensorFlow.js graph says."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
import pytest
from scipy.signal import correlate

from engine.vision.onnx_writer import Node, ValueInfo, write_model
from engine.vision.tfjs import ConversionError, convert_graph_model

RANDOM = np.random.default_rng(7)


def text(value: str) -> dict[str, str]:
    return {"s": base64.b64encode(value.encode()).decode()}


def integers(*values: int) -> dict[str, Any]:
    return {"list": {"i": [str(value) for value in values]}}


class Graph:
    """Builds a graph model: an input `x` of a shape, nodes, and the output `y`."""

    def __init__(self, shape: tuple[int, ...], result: tuple[int, ...]) -> None:
        self.shapes = shape, result
        self.nodes: list[dict[str, Any]] = [{"name": "x", "op": "Placeholder"}]
        self.entries: list[dict[str, Any]] = []
        self.weights = b""

    def constant(self, name: str, values: np.ndarray, *, half: bool = False) -> str:
        self.nodes.append({"name": name, "op": "Const"})
        entry: dict[str, Any] = {"name": name, "shape": list(values.shape), "dtype": str(values.dtype)}
        if half:
            entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
        self.entries.append(entry)
        self.weights += values.astype(np.float16 if half else values.dtype).tobytes()
        return name

    def node(self, name: str, operation: str, inputs: list[str], **attributes: Any) -> str:
        # In front: a graph's nodes come in any order.
        self.nodes.insert(0, {"name": name, "op": operation, "input": inputs, "attr": attributes})
        return name

    @property
    def json(self) -> bytes:
        def value(name: str, shape: tuple[int, ...]) -> dict[str, Any]:
            return {f"{name}:0": {"name": name, "tensorShape": {"dim": [{"size": str(size)} for size in shape]}}}

        signature = {"inputs": value("x", self.shapes[0]), "outputs": value("y", self.shapes[1])}
        topology = {"node": self.nodes}
        manifest = [{"paths": ["w.bin"], "weights": self.entries}]
        return json.dumps({"signature": signature, "modelTopology": topology, "weightsManifest": manifest}).encode()

    def run(self, value: np.ndarray) -> np.ndarray:
        onnx = convert_graph_model(self.json, self.weights)
        session = ort.InferenceSession(onnx, providers=["CPUExecutionProvider"])
        result = session.run(["y"], {"x": value})[0]
        assert result.shape == self.shapes[1]
        return np.asarray(result)


CONVOLUTION = {
    "data_format": text("NHWC"),
    "strides": integers(1, 1, 1, 1),
    "dilations": integers(1, 1, 1, 1),
    "padding": text("VALID"),
}


@pytest.mark.parametrize("half", [False, True])
def test_a_convolution_with_bias_and_leaky_rectifier(half: bool) -> None:
    kernel = RANDOM.normal(size=(3, 3, 2, 4)).astype(np.float16).astype(np.float32)
    bias = RANDOM.normal(size=4).astype(np.float16).astype(np.float32)
    picture = RANDOM.normal(size=(1, 6, 7, 2)).astype(np.float32)
    graph = Graph((1, 6, 7, 2), (1, 4, 5, 4))
    graph.constant("kernel", kernel, half=half)
    graph.constant("bias", bias, half=half)
    graph.node("convolved", "Conv2D", ["x", "kernel"], **CONVOLUTION)
    graph.node("added", "AddV2", ["convolved", "bias"])
    graph.node("y", "LeakyRelu", ["added"], alpha={"f": 0.25})
    expected = np.stack([correlate(picture[0], kernel[..., o], "valid")[..., 0] + bias[o] for o in range(4)], axis=-1)
    np.testing.assert_allclose(graph.run(picture)[0], np.where(expected > 0, expected, expected / 4), atol=1e-5)


def test_padding_pooling_transposition_and_reshaping() -> None:
    picture = RANDOM.normal(size=(1, 4, 4, 1)).astype(np.float32)
    graph = Graph((1, 4, 4, 1), (1, 9))
    graph.constant("pads", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    graph.constant("lowest", np.array(-100, np.float32))
    graph.constant("order", np.array([0, 2, 1, 3], np.int32))
    graph.constant("shape", np.array([1, 4], np.int32))
    # Exporters leave shapes as arithmetic on empty sparse tensors.
    graph.constant("where", np.zeros((0, 1), np.int32))
    graph.constant("length", np.array([2], np.int32))
    graph.constant("values", np.zeros(0, np.int32))
    graph.constant("default", np.array(0, np.int32))
    graph.constant("sizes", np.array([1, 9], np.int32))
    graph.node("zeros", "SparseToDense", ["where", "length", "values", "default"])
    graph.node("folded", "AddV2", ["sizes", "zeros"])
    graph.node("padded", "PadV2", ["x", "pads", "lowest"])
    graph.node(
        "pooled", "MaxPool", ["padded"], ksize=integers(1, 2, 2, 1), strides=integers(1, 2, 2, 1), padding=text("VALID")
    )
    graph.node("turned", "Transpose", ["pooled", "order"])
    graph.node("y", "Reshape", ["turned", "folded"])
    padded = np.pad(picture[0, ..., 0], 1, constant_values=-100)
    expected = padded.reshape(3, 2, 3, 2).max(axis=(1, 3)).T.reshape(1, 9)
    np.testing.assert_array_equal(graph.run(picture), expected)


def test_resizing_splitting_and_concatenation() -> None:
    picture = RANDOM.normal(size=(1, 4, 6, 3)).astype(np.float32)
    graph = Graph((1, 4, 6, 3), (1, 8, 12, 3))
    graph.constant("size", np.array([8, 12], np.int32))
    graph.constant("parts", np.array([1, 2], np.int32))
    graph.constant("axis", np.array(3, np.int32))
    half_pixel = {"align_corners": {"b": False}, "half_pixel_centers": {"b": True}}
    graph.node("large", "ResizeBilinear", ["x", "size"], **half_pixel)
    graph.node("split", "SplitV", ["large", "parts", "axis"], num_split={"i": "2"})
    graph.node("y", "ConcatV2", ["split:1", "split", "axis"])
    expected = cv2.resize(picture[0], (12, 8), interpolation=cv2.INTER_LINEAR)[..., [1, 2, 0]]
    np.testing.assert_allclose(graph.run(picture)[0], expected, atol=1e-5)


def test_the_same_graph_gives_the_same_bytes() -> None:
    graph = Graph((1, 2), (1, 2))
    graph.node("y", "Sigmoid", ["x"])
    assert convert_graph_model(graph.json, b"") == convert_graph_model(graph.json, b"")


def test_an_unknown_operation_is_named() -> None:
    graph = Graph((1, 2), (1, 2))
    graph.node("y", "Mystery", ["x"])
    with pytest.raises(ConversionError, match="'y': the operation Mystery is not supported"):
        convert_graph_model(graph.json, b"")


def test_weights_that_end_too_early_are_refused() -> None:
    graph = Graph((1, 2), (1, 2))
    graph.constant("bias", np.ones(2, np.float32))
    graph.node("y", "Add", ["x", "bias"])
    with pytest.raises(ConversionError, match="ends before 'bias'"):
        convert_graph_model(graph.json, graph.weights[:5])


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"signature": 3}', b"\xff\xfe"])
def test_what_is_no_graph_model_is_refused(content: bytes) -> None:
    with pytest.raises(ConversionError):
        convert_graph_model(content, b"")


def test_the_writer_refuses_types_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="'t' has the type float64"):
        write_model([], {"t": np.zeros(1)}, [], [], "test")


def test_negative_integers_and_text_survive_the_writing(tmp_path: Path) -> None:
    node = Node("Concat", ("x", "x"), ("y",), {"axis": -1})
    path = tmp_path / "model.onnx"
    path.write_bytes(write_model([node], {}, [ValueInfo("x", (1, 2))], [ValueInfo("y", (1, 4))], "test"))
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": np.array([[1, 2]], np.float32)})[0].tolist() == [[1, 2, 1, 2]]
