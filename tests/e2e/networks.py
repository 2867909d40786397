"""Small networks with random weights, for the tests that run them: networks() gives (name, model).

Every operator has a name. Weights are small, so that values stay in a range where float16 and int8
are meaningful.
"""
import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

F = TensorProto.FLOAT
I64 = TensorProto.INT64


class Builder:
    """Collects nodes and weights; every method returns the name of its result."""

    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def weight(self, shape, scale=None, name=None):
        fan = int(numpy.prod(shape[1:])) if len(shape) > 1 else 8
        values = self.random.standard_normal(shape) * (scale or 1 / numpy.sqrt(fan))
        return self.constant(values.astype(numpy.float32), name)

    def constant(self, values, name=None):
        name = name or "w%d" % len(self.weights)
        self.weights.append(numpy_helper.from_array(numpy.asarray(values), name))
        return name

    def add(self, op, *inputs, outputs=1, name=None, **attributes):
        name = name or "%s_%d" % (op.lower(), len(self.nodes))
        out = [name + "_out"] if outputs == 1 else ["%s_out%d" % (name, i) for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, out, name=name, **attributes))
        return out[0] if outputs == 1 else out

    def conv(self, x, c_in, c_out, kernel=3, stride=1, relu=True, weight=None):
        w = weight or self.weight([c_out, c_in, kernel, kernel])
        y = self.add("Conv", x, w, self.weight([c_out], 0.1), kernel_shape=[kernel, kernel],
                     pads=[kernel // 2] * 4, strides=[stride, stride])
        return self.add("Relu", y) if relu else y

    def model(self, name, inputs, outputs, opset=13, ir=8):
        graph = helper.make_graph(
            self.nodes, name,
            [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs],
            [helper.make_tensor_value_info(n, t, s) for n, t, s in outputs], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)],
                                  ir_version=ir, producer_name="kerf-test")
        model = onnx.shape_inference.infer_shapes(model)
        onnx.checker.check_model(model)
        return model


def classifier(b, x, channels, classes=10):
    y = b.add("GlobalAveragePool", x)
    y = b.add("Flatten", y)
    return b.add("Gemm", y, b.weight([channels, classes]), b.weight([classes], 0.1))


def chain(side=16):
    b = Builder(1)
    x = b.conv("image", 3, 8)
    x = b.conv(x, 8, 16, stride=2)
    x = b.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = b.conv(x, 16, 16, kernel=1)
    y = b.add("Softmax", classifier(b, x, 16), axis=1)
    return b.model("chain", [("image", F, [1, 3, side, side])], [(y, F, [1, 10])])


def residual():
    b = Builder(2)
    x = b.conv("image", 3, 8)
    for i in range(3):
        scale = [b.weight([8], 0.2) for _ in range(3)]
        variance = b.constant(b.random.uniform(0.5, 1.5, 8).astype(numpy.float32))
        y = b.conv(x, 8, 8)
        y = b.conv(y, 8, 8, relu=False)
        y = b.add("BatchNormalization", y, *scale, variance)
        x = b.add("Relu", b.add("Add", y, x))
    y = classifier(b, x, 8)
    return b.model("residual", [("image", F, [1, 3, 12, 12])], [(y, F, [1, 10])])


def branching():
    b = Builder(3)
    x = b.conv("image", 3, 8)
    for c_in in (8, 16):
        one = b.conv(x, c_in, 4, kernel=1)
        three = b.conv(b.conv(x, c_in, 4, kernel=1), 4, 4)
        five = b.conv(b.conv(x, c_in, 4, kernel=1), 4, 4, kernel=5)
        pool = b.conv(b.add("AveragePool", x, kernel_shape=[3, 3], pads=[1] * 4, strides=[1, 1]),
                      c_in, 4, kernel=1)
        x = b.add("Concat", one, three, five, pool, axis=1)
    y = classifier(b, x, 16)
    return b.model("branching", [("image", F, [1, 3, 12, 12])], [(y, F, [1, 10])])


def attention():
    b = Builder(4)

    def heads(x):
        y = b.add("Add", b.add("MatMul", x, b.weight([16, 16])), b.weight([16], 0.1))
        y = b.add("Reshape", y, b.constant(numpy.array([1, 6, 4, 4], numpy.int64)))
        return b.add("Transpose", y, perm=[0, 2, 1, 3])

    def norm(x):
        centred = b.add("Sub", x, b.add("ReduceMean", x, axes=[-1]))
        square = b.add("Mul", centred, centred)
        spread = b.add("Sqrt", b.add("Add", b.add("ReduceMean", square, axes=[-1]),
                                     b.constant(numpy.float32(1e-5))))
        return b.add("Mul", b.add("Div", centred, spread), b.weight([16], 1.0))

    q, k, v = heads("tokens"), heads("tokens"), heads("tokens")
    scores = b.add("MatMul", q, b.add("Transpose", k, perm=[0, 1, 3, 2]))
    p = b.add("Softmax", b.add("Mul", scores, b.constant(numpy.float32(0.5))), axis=-1)
    y = b.add("Transpose", b.add("MatMul", p, v), perm=[0, 2, 1, 3])
    y = b.add("Reshape", y, b.constant(numpy.array([1, 6, 16], numpy.int64)))
    x = norm(b.add("Add", b.add("MatMul", y, b.weight([16, 16])), "tokens"))
    y = b.add("MatMul", b.add("Relu", b.add("MatMul", x, b.weight([16, 32]))), b.weight([32, 16]))
    y = norm(b.add("Add", x, y))
    return b.model("attention", [("tokens", F, [1, 6, 16])], [(y, F, [1, 6, 16])])


def recurrent():
    b = Builder(5)
    x = b.add("Tanh", b.add("MatMul", "sequence", b.weight([8, 8])))
    out, state, _ = b.add("LSTM", x, b.weight([1, 24, 8]), b.weight([1, 24, 6]), b.weight([1, 48], 0.1),
                          "", "start", outputs=3, hidden_size=6)
    y = b.add("Squeeze", out, b.constant(numpy.array([1], numpy.int64)))
    y = b.add("MatMul", y, b.weight([6, 4]))
    s = b.add("Squeeze", state, b.constant(numpy.array([0], numpy.int64)))
    return b.model("recurrent", [("sequence", F, [5, 1, 8]), ("start", F, [1, 1, 6])],
                   [(y, F, [5, 1, 4]), (s, F, [1, 6])])


def branch_body(name, captured, weight, op):
    """A branch of an If that uses a tensor and a weight of the graph around it."""
    nodes = [helper.make_node("MatMul", [captured, weight], [name + "_a"], name=name + "_matmul"),
             helper.make_node(op, [name + "_a"], [name + "_y"], name=name + "_" + op.lower())]
    return helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(name + "_y", F, [2, 8])])


def conditional():
    b = Builder(6)
    x = b.add("Relu", b.add("MatMul", "x", b.weight([8, 8])))
    z = b.add("Tanh", b.add("MatMul", "x", b.weight([8, 8])))
    total = b.add("ReduceSum", x, keepdims=0)
    large = b.add("Greater", total, b.constant(numpy.float32(3.0)))
    w = b.weight([8, 8], name="captured_weight")
    y = b.add("If", large, then_branch=branch_body("then", x, w, "Sigmoid"),
              else_branch=branch_body("else", z, w, "Relu"))
    y = b.add("Add", y, z)
    y = b.add("MatMul", y, b.weight([8, 3]))
    return b.model("conditional", [("x", F, [2, 8])], [(y, F, [2, 3])])


def shared_weights():
    b = Builder(7)
    w = b.weight([8, 8, 3, 3], name="shared")
    x = b.conv("image", 3, 8)
    for _ in range(3):
        x = b.conv(x, 8, 8, weight=w)
    y = classifier(b, x, 8)
    return b.model("shared_weights", [("image", F, [1, 3, 10, 10])], [(y, F, [1, 10])])


def many_ends():
    """Three inputs that join one after the other, and three outputs, an early one among them."""
    b = Builder(8)
    x = b.conv("image", 3, 6)
    early = classifier(b, x, 6, 4)
    depth = b.conv("depth", 1, 6)
    x = b.conv(b.add("Concat", x, depth, axis=1), 12, 8, stride=2)
    y = b.add("Flatten", b.add("GlobalMaxPool", x))
    y = b.add("Concat", y, "pose", axis=1)
    hidden = b.add("Tanh", b.add("Gemm", y, b.weight([11, 12])))
    out = b.add("Gemm", hidden, b.weight([12, 5]))
    return b.model("many_ends",
                   [("image", F, [1, 3, 10, 10]), ("depth", F, [1, 1, 10, 10]), ("pose", F, [1, 3])],
                   [(early, F, [1, 4]), (hidden, F, [1, 12]), (out, F, [1, 5])])


def shape_chain():
    """The pattern of exporters: Shape, Gather, Concat and Reshape, and a dynamic batch."""
    b = Builder(9)
    x = b.conv("image", 3, 8)
    batch = b.add("Gather", b.add("Shape", x), b.constant(numpy.array(0, numpy.int64)), axis=0)
    batch = b.add("Unsqueeze", batch, b.constant(numpy.array([0], numpy.int64)))
    shape = b.add("Concat", batch, b.constant(numpy.array([-1], numpy.int64)), axis=0)
    x = b.add("Relu", x)
    y = b.add("Reshape", x, shape)
    y = b.add("MatMul", y, b.weight([8 * 36, 5]))
    return b.model("shape_chain", [("image", F, ["N", 3, 6, 6])], [(y, F, ["N", 5])])


def old_form():
    """IR version 3 lists every weight among the graph's inputs too."""
    b = Builder(10)
    x = b.conv("image", 3, 6)
    x = b.conv(x, 6, 6)
    y = classifier(b, x, 6)
    model = b.model("old_form", [("image", F, [1, 3, 8, 8])], [(y, F, [1, 10])], opset=9, ir=4)
    model.ir_version = 3
    for w in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(w.name, w.data_type, w.dims))
    onnx.checker.check_model(model)
    return model


def mixed_types():
    """Tensors of integers and booleans cross as well."""
    b = Builder(11)
    table = b.weight([20, 8], 1.0)
    x = b.add("Gather", table, "words", axis=0)
    keep = b.add("Greater", "words", b.constant(numpy.array(4, numpy.int64)))
    x = b.add("Tanh", b.add("MatMul", x, b.weight([8, 8])))
    mask = b.add("Unsqueeze", keep, b.constant(numpy.array([2], numpy.int64)))
    y = b.add("Where", mask, x, b.constant(numpy.float32(0)))
    y = b.add("ReduceSum", y, b.constant(numpy.array([1], numpy.int64)), keepdims=0)
    best = b.add("ArgMax", y, axis=1, keepdims=0)
    return b.model("mixed_types", [("words", I64, [2, 7])], [(y, F, [2, 8]), (best, I64, [2])])


def constants():
    """Weights made by Constant nodes and by operators on weights alone."""
    b = Builder(12)
    b.nodes.append(helper.make_node(
        "Constant", [], ["kernel"], name="kernel",
        value=numpy_helper.from_array(b.random.standard_normal([6, 3, 3, 3]).astype(numpy.float32))))
    half = b.add("Mul", "kernel", b.constant(numpy.float32(0.25)), name="folded")
    x = b.add("Conv", "image", half, kernel_shape=[3, 3], pads=[1] * 4, name="first")
    x = b.add("Relu", x)
    x = b.add("Conv", x, b.add("Transpose", half, perm=[1, 0, 2, 3]), kernel_shape=[3, 3], name="second")
    y = b.add("Mul", x, b.add("ReduceMax", half, keepdims=0))
    return b.model("constants", [("image", F, [1, 3, 8, 8])], [(y, F, [1, 3, 6, 6])])


def looping():
    """A Loop whose body uses a tensor and a weight of the graph around it."""
    b = Builder(13)
    x = b.add("Tanh", b.add("MatMul", "x", b.weight([6, 6])))
    gain = b.add("Sigmoid", b.add("MatMul", "x", b.weight([6, 6])))
    w = b.weight([6, 6], name="loop_weight")
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"], name="body_go"),
         helper.make_node("MatMul", ["state", w], ["body_a"], name="body_matmul"),
         helper.make_node("Mul", ["body_a", gain], ["body_b"], name="body_mul"),
         helper.make_node("Tanh", ["body_b"], ["next"], name="body_tanh"),
         helper.make_node("Identity", ["next"], ["trace"], name="body_trace")],
        "body",
        [helper.make_tensor_value_info("i", I64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("state", F, [2, 6])],
        [helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
         helper.make_tensor_value_info("next", F, [2, 6]), helper.make_tensor_value_info("trace", F, [2, 6])])
    last, _ = b.add("Loop", b.constant(numpy.array(3, numpy.int64)), b.constant(numpy.array(True)), x,
                    outputs=2, body=body)
    y = b.add("Add", b.add("MatMul", last, b.weight([6, 4])), b.add("MatMul", gain, b.weight([6, 4])))
    return b.model("looping", [("x", F, [2, 6])], [(y, F, [2, 4])])


def functions():
    """A function of the model's own, called twice; no shape behind it is stated."""
    b = Builder(14)
    body = [helper.make_node("MatMul", ["v", "m"], ["a"], name="inner_matmul"),
            helper.make_node("Add", ["a", "v"], ["c"], name="inner_add"),
            helper.make_node("Relu", ["c"], ["r"], name="inner_relu")]
    block = helper.make_function("kerf.test", "Block", ["v", "m"], ["r"], body,
                                 [helper.make_opsetid("", 15)])
    x = b.add("MatMul", "x", b.weight([5, 8]))
    x = b.add("Block", x, b.weight([8, 8]), domain="kerf.test")
    x = b.add("Tanh", x)
    x = b.add("Block", x, b.weight([8, 8]), domain="kerf.test")
    y = b.add("MatMul", x, b.weight([8, 3]))
    graph = helper.make_graph(b.nodes, "functions", [helper.make_tensor_value_info("x", F, [2, 5])],
                              [helper.make_tensor_value_info(y, F, [2, 3])], b.weights)
    model = helper.make_model(graph, ir_version=8, functions=[block],
                              opset_imports=[helper.make_opsetid("", 15), helper.make_opsetid("kerf.test", 1)])
    onnx.checker.check_model(model)
    return model


def networks():
    for make in (chain, residual, branching, attention, recurrent, conditional, shared_weights,
                 many_ends, shape_chain, old_form, mixed_types, constants, looping, functions):
        yield make.__name__, make()


def random_input(value_info, seed, dims=None):
    """Values for an input of floats or int64; dims says how long named dimensions are."""
    random = numpy.random.default_rng(seed)
    tensor = value_info.type.tensor_type
    shape = [d.dim_value or (dims or {}).get(d.dim_param, 1) for d in tensor.shape.dim]
    if tensor.elem_type == I64:
        return random.integers(0, 16, shape)
    return random.standard_normal(shape).astype(numpy.float32)
