"""Profiles as ONNX Runtime itself writes them: kerf import maps them to the operators of the network,
whatever the optimisations of the graph called its kernels."""
import json
import os

import harness
import networks
from tap import check, done, kerf

scratch = harness.prepare("profiles of ONNX Runtime")
import numpy  # noqa: E402  (may be absent before)
import onnx  # noqa: E402

FOLDER = scratch.name


def convolutions():
    b = networks.Builder(1)
    first = b.conv("x", 3, 8)
    y = b.add("Relu", b.add("Add", first, b.conv(first, 8, 8, relu=False)))
    y = b.add("Conv", y, b.weight([8, 1, 3, 3]), kernel_shape=[3, 3], pads=[1] * 4, group=8)
    ones = numpy.ones(8, numpy.float32)
    y = b.add("BatchNormalization", y, b.constant(ones), b.weight([8]), b.weight([8]), b.constant(ones))
    y = b.add("Clip", y, b.constant(numpy.float32(0)), b.constant(numpy.float32(6)))
    y = b.add("Sigmoid", b.add("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2]))
    y = b.add("Softmax", networks.classifier(b, y, 8))
    return b.model("convolutions", [("x", networks.F, [1, 3, 32, 32])], [(y, networks.F, [1, 10])])


def products():
    b = networks.Builder(2)
    y = b.add("Add", b.add("MatMul", b.add("Flatten", "x", axis=2), b.weight([1024, 64])), b.weight([64]))
    y = b.add("Softmax", b.add("MatMul", y, b.add("Transpose", y, perm=[1, 0])))
    return b.model("products", [("x", networks.F, [1, 3, 32, 32])], [(y, networks.F, [3, 3])])


def imported(name, model, level):
    """The layers of a profile by name, and the whole answer."""
    network = os.path.join(FOLDER, name + ".onnx")
    onnx.save(model, network)
    prefix = os.path.join(FOLDER, "%s_%s" % (name, level))
    status, out, err = harness.node(os.path.join(harness.HERE, "profile.js"), network, prefix, level)
    assert status == 0, err
    status, out, err = kerf("import", network, out.strip(), "--json")
    assert status == 0, err
    answer = json.loads(out)
    return {layer["name"]: layer["operators"] for layer in answer["layers"]}, answer


def main():
    for name, model in (("convolutions", convolutions()), ("products", products())):
        nodes = [node.name for node in model.graph.node]
        layers, answer = imported(name, model, "disabled")
        check("%s: without optimisations every operator has its layer" % name,
              layers == {node: [node] for node in nodes} and answer["runtime"] == "ONNX Runtime", answer)
        for level in ("basic", "all"):
            layers, answer = imported(name, model, level)
            lost = [layer for layer, operators in layers.items()
                    if not operators and not layer.startswith("Reorder")]
            mapped = {operator for operators in layers.values() for operator in operators}
            heavy = {node.name for node in model.graph.node if node.op_type in ("Conv", "MatMul", "Gemm")}
            check("%s: optimised (%s), all but copies is mapped" % (name, level),
                  not lost and heavy <= mapped, answer)
            twice = sum(len(operators) for operators in layers.values()) - len(mapped)
            check("%s: optimised (%s), no operator has two layers" % (name, level), twice == 0, answer)
            for layer, operators in layers.items():
                if layer.endswith("_nchwc"):
                    check("%s is a convolution" % layer, any(o.startswith("conv") for o in operators), operators)
    done()


with scratch:
    main()
