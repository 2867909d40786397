"""The node tests that the onnx package brings along: hundreds of one-operator models with the
outputs that they must have. What kerf infers must be the outputs' shapes and types; what data
decides it must leave open, and say why."""
import contextlib
import io
import json
import os
import tempfile
import warnings

import tap
from tap import check, kerf

# Outputs whose size data decides, or that have no shape.
OPEN = {"NonZero", "NonMaxSuppression", "Unique", "Loop", "StringNormalizer", "TfIdfVectorizer",
        "OptionalGetElement", "SequenceInsert", "SequenceAt", "ConcatFromSequence", "Scan"}
# Losses and optimizers belong to training: unknown operators.
TRAINING = {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"}
# Operators whose first operand, too, is a size.
SIZES = {"ConstantOfShape", "Range", "HannWindow", "HammingWindow", "BlackmanWindow",
         "MelWeightMatrix"}
TYPES = {"object": "string", "uint16": ("uint16", "bfloat16")}


def cases():
    import numpy
    for name, kind in (("float", float), ("int", int), ("bool", bool), ("object", object)):
        if name not in numpy.__dict__:  # names that onnx uses and new numpy has dropped
            setattr(numpy, name, kind)
    from onnx.backend.test.case.node import collect_testcases
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return collect_testcases(None)


def usable(case):
    arrays = case.data_sets[0][0] + case.data_sets[0][1]
    types = {node.op_type for node in case.model.graph.node}
    training = any(node.domain or node.op_type in TRAINING for node in case.model.graph.node)
    return (all(hasattr(array, "shape") or isinstance(array, (int, float)) for array in arrays)
            and len(case.model.graph.input) == len(case.data_sets[0][0]) and not training
            and not types & OPEN)


def model_of(case):
    """The case with its operands' shapes, all but the first of them constants; no output's shape."""
    import numpy
    import onnx
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    graph = model.graph
    all_constant = any(node.op_type in SIZES for node in graph.node)
    inputs = list(zip(case.model.graph.input, case.data_sets[0][0]))
    del graph.input[:], graph.value_info[:]
    for i, (value, array) in enumerate(inputs):
        array = numpy.asarray(array)
        if i > 0 or all_constant:
            graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))
            continue
        kept = graph.input.add()
        kept.CopyFrom(value)
        del kept.type.tensor_type.shape.dim[:]
        for size in array.shape:
            kept.type.tensor_type.shape.dim.add().dim_value = size
    for value in graph.output:
        value.ClearField("type")
    return model


def wrong(tensor, array):
    import numpy
    array = numpy.asarray(array)
    kind = TYPES.get(str(array.dtype), str(array.dtype))
    if tensor["shape"] != list(array.shape):
        return "shape %s, expected %s (%s)" % (tensor["shape"], list(array.shape),
                                               tensor.get("unresolved"))
    return "" if tensor["type"] in kind else "type %s, expected %s" % (tensor["type"], kind)


try:
    import onnx
    found = [case for case in cases() if usable(case)]
except ImportError as error:
    tap.skip("the node tests of onnx", "no python3-onnx: %s" % error)
    tap.done()

found.sort(key=lambda case: case.name)
step = 1 if os.environ.get("KERF_TEST_FULL") else 5
problems, compared = [], 0
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "case.onnx")
    for case in found[::step]:
        onnx.save(model_of(case), path)
        status, out, err = kerf("inspect", path, "--json")
        if status != 0:
            problems.append("%s: status %d: %s" % (case.name, status, err))
            continue
        tensors = {tensor["name"]: tensor for tensor in json.loads(out)["network"]["outputs"]}
        for value, array in zip(case.model.graph.output, case.data_sets[0][1]):
            compared += 1
            text = wrong(tensors[value.name], array)
            if text:
                problems.append("%s: %s: %s" % (case.name, value.name, text))
check("shapes and types of %d node tests" % compared, compared > 100 and not problems,
      "\n".join(problems))
tap.done()
