"""kerf split: the files by onnx.checker and shape inference, the manifest by its schema, and what
is left when things go wrong. Run by /usr/bin/python3 where another one lacks the onnx package."""
import glob
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

try:
    import onnx
    from onnx import TensorProto, checker, helper, numpy_helper, shape_inference
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    onnx = None

import tap
from tap import KERF, check, fails, kerf

FULL = bool(os.environ.get("KERF_TEST_FULL"))
REFERENCE = os.path.abspath("../shared/data/onnx")
ENV = {"KERF_PATH": ""}
ROOT = os.getcwd()
work = tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)


def at(name):
    return os.path.join(work, name)


def split(*arguments, **options):
    return kerf("split", *arguments, env=ENV, **options)


def parts(name="p"):
    return ["--head", at(name + "-head.onnx"), "--tail", at(name + "-tail.onnx"),
            "--manifest", at(name + ".json")]


def load(path):
    return onnx.load(path, load_external_data=False)


def left():
    """What is in the folder but was there before, temporary files too."""
    return sorted(set(os.listdir(work)) - before)


# --- structure ---------------------------------------------------------------------------------

DATA = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data",
        "string_data")


def fill_tensor(tensor):
    if tensor.data_location == 1 or not any(getattr(tensor, field) for field in DATA):
        del tensor.external_data[:]
        tensor.ClearField("data_location")
        if all(tensor.dims):
            tensor.raw_data = b"\0"


def fill(graph):
    """The reference networks have no large weights, and the checker wants some; their size it does
    not look at."""
    for tensor in graph.initializer:
        fill_tensor(tensor)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                fill_tensor(attribute.t)
            if attribute.HasField("g"):
                fill(attribute.g)


def problem(path):
    """What the checker and shape inference say of a file, "" if nothing."""
    model = load(path)
    fill(model.graph)
    try:
        checker.check_model(model)
        shape_inference.infer_shapes(model, strict_mode=True)
    except Exception as error:  # the package raises exceptions of several kinds
        return str(error).strip().split("\n")[0]
    return ""


def shapes_of(path):
    """--input options with the shapes of the reference figures, where the file leaves them open."""
    reference = path[:-len(".onnx")] + ".json"
    if not path.endswith(".onnx") or not os.path.exists(reference):
        return []
    with open(reference) as file:
        inputs = json.load(file)["inputs"]
    return [word for i in inputs if i["used"]
            for word in ("--input", "%s=%s" % (i["name"], "x".join(map(str, i["used"]))))]


def write_plan(name, network, device, server):
    with open(at(name), "w") as file:
        json.dump({"network": {"name": network},
                   "cut": {"device_operators": device, "server_operators": server}}, file)
    return ["--plan", at(name)]


def networks():
    return sorted(glob.glob(REFERENCE + "/*.onnx")) + sorted(glob.glob("configs/networks/*.json"))


def check_network(path, validator):
    name = os.path.basename(path)
    shapes = shapes_of(path)
    # Beside the parts, so that external data, which is not there, is referred to.
    link = at(name)
    os.symlink(os.path.abspath(path), link)
    status, out, err = kerf("plan", link, "--json", "--quiet", *shapes, env=ENV)
    if status:
        tap.skip("%s in two" % name, err.strip()[-100:].replace("#", ""))
        os.unlink(link)
        return 0
    plan = json.loads(out)
    placed = set(plan["cut"]["device_operators"] + plan["cut"]["server_operators"])
    operators = json.loads(kerf("inspect", link, "--json", *shapes, env=ENV)[1])["operators"]
    order = [i["name"] for i in operators if i["name"] in placed]
    known = problem(link) if path.endswith(".onnx") else ""
    problems, cuts = [], 0
    step = 15 if FULL else max(2, len(order) // 2)
    for k in range(1 + len(name) % step, len(order), step):
        given = write_plan("plan.json", plan["network"]["name"], order[:k], order[k:])
        status, out, err = split(link, *given, *parts(), "--force", "--json", "--quiet", *shapes)
        cuts += 1
        if status:
            problems.append("at %d: %s" % (k, err.strip()))
            continue
        manifest = json.loads(out)
        if validator:
            problems += ["at %d: manifest: %s" % (k, e.message[:100])
                         for e in validator.iter_errors(manifest)]
        # A file that the checker refuses as a whole it refuses in parts.
        said = [] if known else [problem(at("p-head.onnx")), problem(at("p-tail.onnx"))]
        problems += ["at %d: %s" % (k, text) for text in said if text]
        for part in ("head", "tail"):
            with open(at("p-%s.onnx" % part), "rb") as file:
                if hashlib.sha256(file.read()).hexdigest() != manifest[part]["sha256"]:
                    problems.append("at %d: SHA-256 of the %s" % (k, part))
    os.unlink(link)
    check("%s in two at %d places%s" % (name, cuts, ", which the checker refuses as a whole" if known
                                        else ""), not problems, "\n".join(problems[:10]))
    return cuts


# --- a small network of ours -----------------------------------------------------------------------

def small(path, width=8, external=None, batch="N"):
    """x -> Conv -> a -> Relu -> b -> Conv -> c; a + c -> y; with Shape, If and an old default."""
    rng = random.Random(7)
    values = struct.pack("<%df" % width**2, *[rng.uniform(-1, 1) for _ in range(width**2)])
    weights = [helper.make_tensor("w%d" % i, TensorProto.FLOAT, [width, width, 1, 1], values, raw=True)
               for i in (1, 2)]
    then = helper.make_graph([helper.make_node("Mul", ["b", "two"], ["then"])], "then", [],
                             [helper.make_tensor_value_info("then", TensorProto.FLOAT, None)])
    other = helper.make_graph([helper.make_node("Identity", ["b"], ["else"])], "else", [],
                              [helper.make_tensor_value_info("else", TensorProto.FLOAT, None)])
    nodes = [helper.make_node("Conv", ["x", "w1"], ["a"], "conv1", kernel_shape=[1, 1]),
             helper.make_node("Relu", ["a"], ["b"], "relu"),
             helper.make_node("If", ["flag"], ["i"], "if", then_branch=then, else_branch=other),
             helper.make_node("Shape", ["a"], ["shape"], "shape"),
             helper.make_node("Reshape", ["i", "shape"], ["r"], "reshape"),
             helper.make_node("Conv", ["r", "w2"], ["c"], "conv2", kernel_shape=[1, 1]),
             helper.make_node("Add", ["a", "c"], ["y"], "add")]
    graph = helper.make_graph(
        nodes, "small", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, width, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, width, 6, 6])],
        weights + [helper.make_tensor("two", TensorProto.FLOAT, [], [2.0]),
                   helper.make_tensor("flag", TensorProto.BOOL, [], [True])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    model.metadata_props.add(key="author", value="somebody")
    if external:
        onnx.save(model, path, save_as_external_data=True, location=external, size_threshold=0,
                  convert_attribute=False)
    else:
        onnx.save(model, path)


OPERATORS = ["conv1", "relu", "if", "reshape", "conv2", "add"]


def cut_small(k, *arguments, network="small", name="p"):
    return split(at(network + ".onnx"), *write_plan("plan.json", network, OPERATORS[:k], OPERATORS[k:]),
                 *parts(name), *arguments)


def check_small():
    small(at("small.onnx"))
    for k in range(1, len(OPERATORS)):
        status, out, err = cut_small(k, "--force", "--json")
        said = [problem(at("p-%s.onnx" % part)) for part in ("head", "tail")] if not status else []
        check("small network at %d" % k, status == 0 and said == ["", ""], (err, said))
    status, out, err = cut_small(len(OPERATORS), "--force")
    check("a file of an earlier split that this one has no part for is told of",
          status == 0 and "p-tail.onnx was there before" in err, err)
    status, out, err = cut_small(2, "--force", "--json")
    manifest = json.loads(out)
    check("and not where it is written anew", "was there before" not in err, err)
    crossing = [(c["name"], c.get("auxiliary", False)) for c in manifest["crossing"]]
    check("at relu: a and b cross, b for the If's body alone; Shape runs in the tail",
          crossing == [("a", False), ("b", False)], crossing)
    head, tail = load(at("p-head.onnx")), load(at("p-tail.onnx"))
    dims = [d.dim_param or d.dim_value for d in tail.graph.input[0].type.tensor_type.shape.dim]
    check("an open dimension stays open", dims[0] in (0, "N") and dims[1:] == [8, 6, 6], dims)
    keys = [(p.key, p.value) for p in head.metadata_props]
    check("metadata is kept, and says what the file is",
          keys[0] == ("author", "somebody") and ("kerf.part", "head") in keys, keys)
    check("weights are where they are needed",
          [[i.name for i in m.graph.initializer] for m in (head, tail)] ==
          [["w1"], ["w2", "two", "flag"]], None)


def check_auxiliary():
    """The server needs the shape of a tensor that stays on the device: a varying one crosses, a
    fixed one becomes a constant."""
    for batch, found in (("N", [("b", False), ("s", True)]), (1, [("b", False)])):
        nodes = [helper.make_node("Relu", ["x"], ["a"], "relu"),
                 helper.make_node("Shape", ["a"], ["s"], "shape"),
                 helper.make_node("Flatten", ["a"], ["b"], "flatten"),
                 helper.make_node("Exp", ["b"], ["e"], "exp"),
                 helper.make_node("Reshape", ["e", "s"], ["y"], "reshape")]
        graph = helper.make_graph(
            nodes, "aux", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 2, 3])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 2, 3])])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7),
                  at("aux.onnx"))
        plan = write_plan("plan.json", "aux", ["relu", "flatten"], ["exp", "reshape"])
        status, out, err = split(at("aux.onnx"), *plan, *parts(), "--force", "--json")
        crossing = [(c["name"], c.get("auxiliary", False)) for c in json.loads(out)["crossing"]]
        said = [problem(at("p-%s.onnx" % part)) for part in ("head", "tail")]
        check("a shape from the other side, batch %s" % batch, crossing == found and said == ["", ""],
              (crossing, said, err))
        types = [n.op_type for n in load(at("p-tail.onnx")).graph.node]
        check("and what is in its place", types == (["Exp", "Reshape"] if batch == "N" else
                                                     ["Constant", "Exp", "Reshape"]), types)


def info(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def run_model(name, model, device, server, *arguments):
    """Splits it; returns status, stderr and the parts, which must be in order."""
    onnx.save(model, at(name + ".onnx"))
    status, out, err = split(at(name + ".onnx"), *write_plan("plan.json", name, device, server),
                             *parts(), "--force", "--json", *arguments)
    if status:
        return status, err, None, None
    said = [problem(at("p-%s.onnx" % part)) for part in ("head", "tail")]
    return status, " ".join(said).strip(), load(at("p-head.onnx")), load(at("p-tail.onnx"))


def model_of(nodes, inputs, outputs, initializers=(), opset=13, ir_version=7, **options):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    opsets = options.pop("opset_imports", [helper.make_opsetid("", opset)])
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version, **options)


def names(values):
    return [v.name for v in values]


def check_functions():
    node = helper.make_node
    body = helper.make_function("my", "Pair", ["a"], ["b"], [node("Relu", ["a"], ["t"], "r"),
                                                             node("Exp", ["t"], ["b"], "e")],
                                [helper.make_opsetid("", 13)])
    model = model_of([node("Neg", ["x"], ["n"], "neg"), node("Pair", ["n"], ["m"], "call", domain="my"),
                      node("Abs", ["m"], ["y"], "abs")], [info("x", [1, 4])], [info("y", [1, 4])],
                     ir_version=8, functions=[body],
                     opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("my", 1)])
    status, said, head, tail = run_model("fun", model, ["neg", "call/r", "call/e"], ["abs"])
    check("a call of a function stays whole, with its function",
          said == "" and [n.op_type for n in head.graph.node] == ["Neg", "Pair"]
          and len(head.functions) == 1, said)
    status, said, head, tail = run_model("fun", model, ["neg", "call/r"], ["call/e", "abs"])
    check("and is not cut in two", status == 1 and "call/e: the plan cuts a call" in said, said)


def check_old_forms():
    node = helper.make_node
    weight = helper.make_tensor("w", TensorProto.FLOAT, [4], [1.0, 2.0, 3.0, 4.0])
    # Nodes out of order; a weight that is listed as an input, as IR version 3 has it.
    model = model_of([node("Mul", ["n", "w"], ["m"], "mul"), node("Neg", ["x"], ["n"], "neg"),
                      node("Add", ["m", "w"], ["y"], "add")], [info("x", [1, 4]), info("w", [4])],
                     [info("y", [1, 4])], [weight], opset=8, ir_version=3)
    status, said, head, tail = run_model("old", model, ["neg", "mul"], ["add"])
    check("nodes come out in an order that runs, weights stay among the inputs",
          said == "" and names(head.graph.node) == ["neg", "mul"]
          and names(head.graph.input) == ["x", "w"] and names(tail.graph.input) == ["w", "m"], said)
    sparse = helper.make_sparse_tensor(helper.make_tensor("sw", TensorProto.FLOAT, [1], [3.0]),
                                       helper.make_tensor("i", TensorProto.INT64, [1], [2]), [4])
    model = model_of([node("Neg", ["x"], ["n"], "neg"), node("Mul", ["n", "sw"], ["y"], "mul")],
                     [info("x", [1, 4])], [info("y", [1, 4])],
                     [helper.make_tensor("sc", TensorProto.FLOAT, [], [0.1])])
    model.graph.sparse_initializer.append(sparse)
    note = model.graph.quantization_annotation.add(tensor_name="y")
    note.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="sc")
    status, said, head, tail = run_model("sparse", model, ["neg"], ["mul"])
    check("sparse weights and quantization annotations go along",
          said == "" and len(tail.graph.sparse_initializer) == 1
          and names(tail.graph.initializer) == ["sc"] and len(tail.graph.quantization_annotation) == 1
          and not head.graph.sparse_initializer and not head.graph.quantization_annotation, said)


def check_results():
    node = helper.make_node
    model = model_of([node("Neg", ["x"], ["a"], "neg"), node("Exp", ["a"], ["y"], "exp")],
                     [info("x", [1, 4])], [info(n, [1, 4]) for n in "yax"] + [info("c", [2])],
                     [helper.make_tensor("c", TensorProto.FLOAT, [2], [1.0, 2.0])])
    status, said, head, tail = run_model("outs", model, ["neg"], ["exp"], "--wire", "float16")
    check("a result that crosses too is there in its own type",
          said == "" and names(head.graph.output) == ["a", "x", "c", "a/wire"]
          and names(tail.graph.output) == ["y"], said)
    for batch in ("N", 1):
        model = model_of([node("Neg", ["x"], ["a"], "neg"), node("Exp", ["x"], ["s"], "exp"),
                          node("Shape", ["s"], ["sh"], "shape"),
                          node("Reshape", ["a", "sh"], ["y"], "reshape"), node("Abs", ["s"], ["z"], "abs")],
                         [info("x", [batch, 4])], [info("y", [batch, 4]), info("z", [batch, 4])])
        status, said, head, tail = run_model("back", model, ["neg", "reshape"], ["exp", "abs"])
        if batch == 1:
            check("the device has the fixed shape of a tensor of the server's as a constant",
                  said == "" and head.graph.node[0].op_type == "Constant"
                  and list(numpy_helper.to_array(head.graph.node[0].attribute[0].t)) == [1, 4], said)
        else:
            check("a varying one it cannot have", status == 1 and "varies from run to run" in said, said)


def check_undeclared():
    """Results whose shape the file does not declare, as exporters leave it out."""
    node = helper.make_node
    model = model_of([node("Neg", ["x"], ["a"], "neg"), node("Shape", ["a"], ["s"], "shape"),
                      node("MatMul", ["a", "w"], ["y"], "mul")], [info("x", ["N", 4])],
                     [info(n, None) for n in "ay"],
                     [helper.make_tensor("w", TensorProto.FLOAT, [4, 2], [1.0] * 8)])
    for device, server in ((["neg"], ["mul"]), (["neg", "mul"], []), ([], ["neg", "mul"])):
        for part in ("head", "tail"):
            if os.path.exists(at("p-%s.onnx" % part)):
                os.unlink(at("p-%s.onnx" % part))
        onnx.save(model, at("bare.onnx"))
        status, out, err = split(at("bare.onnx"), *write_plan("plan.json", "bare", device, server),
                                 *parts(), "--force")
        made = [at("p-%s.onnx" % part) for part in ("head", "tail")
                if os.path.exists(at("p-%s.onnx" % part))]
        said = " ".join(problem(path) for path in made).strip()
        shapes = {o.name: [d.dim_value or d.dim_param for d in o.type.tensor_type.shape.dim]
                  for path in made for o in load(path).graph.output}
        check("results without a declared shape have the inferred one, %d on the device"
              % len(device), status == 0 and said == ""
              and shapes == {"a": ["", 4], "y": ["", 2]}, "%s %s %s" % (err, said, shapes))


def quantizers(*parts):
    """Type and value of the zero point of every node that quantizes or dequantizes."""
    said = []
    for part in parts:
        constants = {n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in part.graph.node
                     if n.op_type == "Constant"}
        for n in part.graph.node:
            if n.op_type in ("QuantizeLinear", "DequantizeLinear"):
                zero = constants[n.input[2]]
                fine = constants[n.input[1]].dtype.name == "float32" and zero.shape == ()
                said.append("%s [%d]" % (zero.dtype, zero) if fine else "not a scalar, or not float32")
    return said


def check_wire():
    for wire, found in (("float16", [("Cast", 10), ("Cast", 1)]),
                        ("int8", [("QuantizeLinear", 2), ("DequantizeLinear", 2)])):
        with open(at("ranges.json"), "w") as file:
            json.dump({"format": "kerf-ranges/1", "tensors": {
                "a": {"min": -5.08, "max": 4.1}, "b": {"scale": 0.02}}}, file)
        status, out, err = cut_small(2, "--wire", wire, "--ranges", at("ranges.json"), "--force", "--json")
        if status:
            check("--wire %s" % wire, False, err)
            continue
        crossing = json.loads(out)["crossing"]
        said = [problem(at("p-%s.onnx" % part)) for part in ("head", "tail")]
        head, tail = load(at("p-head.onnx")), load(at("p-tail.onnx"))
        check("--wire %s is not what the plan was made for, and that is said" % wire,
              "planned for --wire own" in err and err.count("\n") == 1, err)
        check("--wire %s is in the networks" % wire, said == ["", ""] and
              head.graph.node[-1].op_type == found[0][0] and
              found[1][0] in [n.op_type for n in tail.graph.node], said)
        check("--wire %s: names, types, bytes" % wire,
              [c["wire_name"] for c in crossing] == ["a/wire", "b/wire"]
              and [i.name for i in tail.graph.input] == ["a/wire", "b/wire"]
              and [o.name for o in head.graph.output] == ["a/wire", "b/wire"]
              and all(c["wire_bytes"] * (2 if wire == "float16" else 4) == c["bytes"] for c in crossing),
              crossing)
    check("int8 is symmetric: scales from the largest magnitude or as given, zero point 0",
          abs(crossing[0]["scale"] - 5.08 / 127) < 1e-8 and abs(crossing[1]["scale"] - 0.02) < 1e-8
          and [c["zero_point"] for c in crossing] == [0, 0]
          and [c["wire_type"] for c in crossing] == ["int8", "int8"], crossing)
    check("and what TensorRT takes: signed bytes, constant zero points of 0, a constant scale each",
          quantizers(head, tail) == ["int8 [0]"] * 4, quantizers(head, tail))
    with open(at("ranges.json"), "w") as file:
        json.dump({"format": "kerf-ranges/1", "tensors": {
            "a": {"min": -1.0, "max": 4.1, "type": "uint8"},
            "b": {"scale": 0.02, "zero_point": 3, "type": "uint8"}}}, file)
    status, out, err = cut_small(2, "--wire", "int8", "--ranges", at("ranges.json"), "--force", "--json")
    crossing = json.loads(out)["crossing"]
    head, tail = load(at("p-head.onnx")), load(at("p-tail.onnx"))
    check("a range of type uint8: its scale and zero point", abs(crossing[0]["scale"] - 5.1 / 255) < 1e-8
          and crossing[0]["zero_point"] == 50 and abs(crossing[1]["scale"] - 0.02) < 1e-8
          and crossing[1]["zero_point"] == 3, crossing)
    check("and its networks", quantizers(head, tail) == ["uint8 [50]", "uint8 [3]"] * 2
          and problem(at("p-head.onnx")) == problem(at("p-tail.onnx")) == "", quantizers(head, tail))
    for range_of, said in (({"scale": 0.02, "zero_point": 3}, "is 3, expected 0 as int8 is symmetric"),
                           ({"scale": 0.02, "type": "uint8"}, "zero_point"),
                           ({"min": 0, "max": 1, "type": "int4"}, "expected int8 or uint8")):
        with open(at("ranges.json"), "w") as file:
            json.dump({"format": "kerf-ranges/1", "tensors": {"a": range_of}}, file)
        fails("a range of %s is refused" % json.dumps(range_of), 1,
              ["split", at("small.onnx"), "--wire", "int8", "--ranges", at("ranges.json")], said, env=ENV)
    with open(at("ranges.json"), "w") as file:
        json.dump({"format": "kerf-ranges/1", "tensors": {"a": {"min": -1.0, "max": 4.1}}}, file)
    plan = write_plan("plan.json", "small", OPERATORS[:2], OPERATORS[2:])
    fails("a tensor without a range is named", 1,
          ["split", at("small.onnx"), *plan, *parts("q"), "--wire", "int8", "--ranges",
           at("ranges.json")], "b: crosses as int8 and has no range", env=ENV)


def check_one_sided():
    for k, missing, word in ((len(OPERATORS), "tail", "device"), (0, "head", "server")):
        status, out, err = cut_small(k, "--force", "--json", name="one%d" % k)
        manifest = json.loads(out)
        written = "head" if missing == "tail" else "tail"
        check("all on the %s: one network, and it is said" % word,
              status == 0 and manifest[missing] is None and "all operators are on the " + word in err
              and not os.path.exists(at("one%d-%s.onnx" % (k, missing))), err)
        a, b = load(at("small.onnx")), load(at("one%d-%s.onnx" % (k, written)))
        check("and it is the network", a.graph == b.graph, None)


def check_pairs():
    shutil.copy(at("small.onnx"), at("other.onnx"))
    with open(at("other.onnx"), "ab") as file:
        file.write(b"\x12\x01k")  # producer_name
    cut_small(2, "--force", name="a")
    cut_small(3, "--force", name="b")
    cut_small(2, "--force", name="c", network="other")
    check("a pair belongs together", split("--check", at("a-head.onnx"), at("a-tail.onnx"))[0] == 0)
    for what, head, tail, text in [
            ("another cut", "a-head", "b-tail", "another split"),
            ("another network", "a-head", "c-tail", "another network"),
            ("the wrong way round", "a-tail", "a-head", "is a tail, expected a head"),
            ("no part at all", "small", "a-tail", "was not written by kerf split")]:
        fails("told apart: " + what, 1, ["split", "--check", at(head + ".onnx"), at(tail + ".onnx")],
              text, env=ENV)
    fails("--check wants two files", 2, ["split", "--check", at("a-head.onnx")], "two files", env=ENV)


def check_determinism():
    texts = []
    for folder in ("d", "e"):
        os.mkdir(at(folder))
        os.chdir(at(folder))
        status, out, err = split("resnet18", "--pin", "conv1=device", "--pin", "fc=server")
        os.chdir(ROOT)
        texts.append([status] + [open(at(folder + "/" + name), "rb").read()
                                 for name in ("head.onnx", "tail.onnx", "split.json")])
    check("equal questions have equal answers, byte by byte", texts[0] == texts[1] and not status, err)
    check("zeros in the place of weights are said", "resnet18 has no weights" in err, err)


def check_external():
    """External data: referred to in the same folder, copied elsewhere."""
    os.mkdir(at("there"))
    small(at("there/ext.onnx"), external="ext.bin")
    plan = write_plan("plan.json", "ext", OPERATORS[:2], OPERATORS[2:])
    for folder, location in (("there", "ext.bin"), (".", "h.onnx.data")):
        status, out, err = split(at("there/ext.onnx"), *plan, "--head", at(folder + "/h.onnx"), "--tail",
                                 at(folder + "/t.onnx"), "--manifest", at(folder + "/m.json"))
        model = load(at(folder + "/h.onnx"))
        entry = {e.key: e.value for e in model.graph.initializer[0].external_data}
        whole = onnx.load(at(folder + "/h.onnx"))
        same = whole.graph.initializer[0].raw_data == \
            onnx.load(at("there/ext.onnx")).graph.initializer[0].raw_data
        check("external data from folder '%s'" % folder,
              status == 0 and entry["location"] == location and same, (err, entry))
    fails("weights are not overwritten, not even by force", 1,
          ["split", at("there/ext.onnx"), *plan, "--head", at("there/ext.bin"), "--tail", at("x.onnx"),
           "--force"], "a file of the network", env=ENV)


# --- when things go wrong ------------------------------------------------------------------------

def big(path, gigabytes):
    """A network with three weights of zeros, as a sparse file; written without holding it."""
    n = int(gigabytes * 2**30 / 3 / 4 / 1024)
    nodes, values, blocks = b"", b"", []

    def varint(number):
        out = b""
        while number > 127:
            out += bytes([number & 127 | 128])
            number >>= 7
        return out + bytes([number])

    def field(number, data):
        return varint(number << 3 | 2) + varint(len(data)) + data

    for i in range(3):
        node = helper.make_node("MatMul", ["t%d" % i, "w%d" % i], ["m%d" % i], "mul%d" % i)
        nodes += field(1, node.SerializeToString())
        nodes += field(1, helper.make_node("Slice", ["m%d" % i, "zero", "k", "one"], ["t%d" % (i + 1)],
                                           "slice%d" % i).SerializeToString())
        tensor = b"\x08" + varint(1024) + b"\x08" + varint(n) + b"\x10\x01" + field(8, b"w%d" % i)
        size = 4 * 1024 * n
        header = tensor + varint(9 << 3 | 2) + varint(size)
        blocks.append((varint(5 << 3 | 2) + varint(len(header) + size) + header, size))
    for name, value in (("zero", [0]), ("k", [1024]), ("one", [1])):
        values += field(5, helper.make_tensor(name, TensorProto.INT64, [1], value).SerializeToString())
    ports = field(11, helper.make_tensor_value_info("t0", 1, [1, 1024]).SerializeToString())
    ports += field(12, helper.make_tensor_value_info("t3", 1, [1, 1024]).SerializeToString())
    graph = nodes + field(2, b"big") + values
    total = len(graph) + len(ports) + sum(len(h) + s for h, s in blocks)
    with open(path, "wb") as file:
        file.write(b"\x08\x07" + field(8, b"\x10\x0d") + varint(7 << 3 | 2) + varint(total) + graph)
        for header, size in blocks:
            file.write(header)
            file.seek(size, os.SEEK_CUR)
        file.write(ports)


BIG = ["mul0", "slice0", "mul1", "slice1", "mul2", "slice2"]


def split_big(k, name, preexec=None):
    arguments = [KERF, "split", at("big.onnx"), *write_plan("plan.json", "big", BIG[:k], BIG[k:]),
                 *parts(name), "--force", "--quiet"]
    return subprocess.run(arguments, capture_output=True, text=True, preexec_fn=preexec, env=tap.ENV)


def peak_of(arguments):
    """Exit status and largest resident size in MB of a run, by a process of its own."""
    code = ("import resource,subprocess,sys; r=subprocess.run(sys.argv[1:], capture_output=True); "
            "print(r.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    run = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True,
                         env=tap.ENV)
    status, peak = run.stdout.split()
    return int(status), int(peak) / 1024


def check_large():
    gigabytes = 3 if FULL else 0.2
    big(at("large.onnx"), gigabytes)
    plan = write_plan("plan.json", "large", BIG[:1], BIG[1:])
    status, peak = peak_of([KERF, "split", at("large.onnx"), *plan, *parts("l"), "--quiet"])
    name = "a network of %g GB splits with less than 64 MB of memory" % gigabytes
    if "sanitize" in KERF:
        tap.skip(name, "a sanitizer takes more")
    else:
        check(name, status == 0 and peak < 64, (status, peak))
    with open(at("l.json")) as file:
        manifest = json.load(file)
    moved = "data" in manifest["tail"]
    check("the tail is %s" % ("above 2 GiB: its weights are beside it" if FULL else "one file"),
          moved == FULL and manifest["tail"]["bytes"] < 2**31, manifest["tail"])
    if moved:
        tail = load(at("l-tail.onnx"))
        places = [{e.key: e.value for e in t.external_data} for t in tail.graph.initializer
                  if t.data_location == 1]
        check("where the runtime finds them", len(places) == 2 and
              all(p["location"] == "l-tail.onnx.data" and int(p["offset"]) % 4096 == 0 and
                  int(p["offset"]) + int(p["length"]) <= manifest["tail"]["data"]["bytes"]
                  for p in places), places)
    for name in ("large.onnx", "l-head.onnx", "l-tail.onnx", "l-tail.onnx.data", "l.json"):
        if os.path.exists(at(name)):
            os.unlink(at(name))


def solid(path):
    """Like big, but with weights that take place on the disk."""
    big(path, 0.02)
    with open(path, "r+b") as file:
        data = file.read()
        for at_byte in range(100000, len(data) - 100000, 4096):
            file.seek(at_byte)
            file.write(b"\x01")


def can_do_without_names():
    try:
        os.close(os.open(work, os.O_TMPFILE | os.O_WRONLY))
    except OSError:
        return False
    return os.path.isdir("/proc/self/fd")


def check_kills():
    solid(at("big.onnx"))
    start = time.monotonic()
    split_big(3, "whole")
    whole = time.monotonic() - start
    rng = random.Random(11)
    plan = write_plan("plan.json", "big", BIG[:3], BIG[3:])
    wrong, unnamed = [], can_do_without_names()
    final = {"k-head.onnx", "k-tail.onnx", "k.json"}
    for _ in range(40 if FULL else 12):
        run = subprocess.Popen([KERF, "split", at("big.onnx"), *plan, *parts("k")], env=tap.ENV,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            run.wait(rng.uniform(0, 1.2 * whole))
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
        there = set(os.listdir(work))
        for a, b in (("k-head.onnx", "whole-head.onnx"), ("k-tail.onnx", "whole-tail.onnx")):
            if a in there and open(at(a), "rb").read() != open(at(b), "rb").read():
                wrong.append(a + " is not whole")
        if "k.json" in there and not final <= there:
            wrong.append("the manifest is there before the parts")
        if unnamed and any(name.startswith(".k") for name in there):
            wrong.append("something is left behind")
        for name in there:
            if name in final or name.startswith(".k"):
                os.unlink(at(name))
    check("killed at any point: what is there is whole, the manifest last", not wrong, wrong)


def check_disk():
    global before
    before = set(os.listdir(work)) | {"plan.json"}
    for limit in (0, 4096, 5 * 2**20, 9 * 2**20):
        run = split_big(3, "full", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        check("no file above %d bytes: one line, nothing left" % limit,
              run.returncode == 1 and run.stderr.count("\n") == 1 and "cannot write" in run.stderr
              and left() == [], (run.returncode, run.stderr, left()))


def check_refusals():
    global before
    small(at("small.onnx"))
    plan = write_plan("plan.json", "small", OPERATORS[:2], OPERATORS[2:])
    before = set(os.listdir(work)) | {"plan.json"}
    base = ["split", at("small.onnx"), *plan]
    fails("no folder", 1, [*base, "--head", at("none/h.onnx"), "--tail", at("r-t.onnx")], "h.onnx: cannot",
          env=ENV)
    fails("a folder in the place of a file", 1,
          [*base, "--head", work, "--tail", at("r-t.onnx"), "--manifest", at("m")], "directory", env=ENV)
    fails("the network itself", 1,
          [*base, "--head", at("small.onnx"), "--tail", at("r-t.onnx"), "--force"],
          "a file of the network", env=ENV)
    fails("one file for both", 1, [*base, "--head", at("r-h.onnx"), "--tail", work + "/./r-h.onnx"],
          "two of the files", env=ENV)
    if os.geteuid() != 0:
        os.mkdir(at("locked"), 0o500)
        fails("a folder that may not be written to", 1,
              [*base, "--head", at("locked/h.onnx"), "--tail", at("r-t.onnx")], "cannot write", env=ENV)
        os.rmdir(at("locked"))
    check("nothing was written", left() == [], left())
    with open(at("r-t.onnx"), "w") as file:
        file.write("mine")
    fails("what is there is not overwritten", 1, [*base, "--head", at("r-h.onnx"), "--tail", at("r-t.onnx")],
          "r-t.onnx: is there already (--force overwrites)", env=ENV)
    check("and keeps its content", open(at("r-t.onnx")).read() == "mine" and left() == ["r-t.onnx"], left())
    os.unlink(at("r-t.onnx"))
    for what, device, server, text in [
            ("backwards", OPERATORS[2:], OPERATORS[:2], "back to the device"),
            ("an unknown operator", ["conv9"], OPERATORS, "no such operator"),
            ("a missing operator", OPERATORS[:1], OPERATORS[2:], "lacks the operator 'relu'"),
            ("an operator on both sides", OPERATORS, ["add"], "listed twice")]:
        write_plan("plan.json", "small", device, server)
        fails("a plan with " + what, 1, base, text, env=ENV)
    write_plan("plan.json", "large", OPERATORS[:2], OPERATORS[2:])
    fails("a plan of another network", 1, base, 'is "large", expected "small"', env=ENV)
    check("nothing was written by these", left() == [], left())


def check_change():
    """The source is written to while it is split: its time stamp changes all the while."""
    global before
    if not os.path.exists(at("big.onnx")):
        solid(at("big.onnx"))
    before = set(os.listdir(work)) | {"plan.json"}
    plan = write_plan("plan.json", "big", BIG[:3], BIG[3:])
    run = subprocess.Popen([KERF, "split", at("big.onnx"), *plan, *parts("ch")], env=tap.ENV,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while run.poll() is None:
        os.utime(at("big.onnx"))
    out, err = run.communicate()
    check("a source that changes: one line, nothing left", run.returncode == 1 and "changed" in err
          and err.count("\n") == 1 and left() == [], (run.returncode, err, left()))


def main():
    try:
        import jsonschema
        with open("configs/schema/split.json") as file:
            schema = json.load(file)
        validator = jsonschema.validators.validator_for(schema)(schema)
    except ImportError:
        validator = None
    if onnx is None:
        tap.skip("kerf split", "python3-onnx is not installed")
        return
    check_small()
    check_auxiliary()
    check_functions()
    check_old_forms()
    check_results()
    check_undeclared()
    check_wire()
    check_one_sided()
    check_pairs()
    check_determinism()
    check_external()
    check_refusals()
    check_kills()
    check_disk()
    check_change()
    check_large()
    if not os.path.isdir(REFERENCE):
        tap.skip("reference networks", "the reference data is not there")
    print("# %d cuts" % sum(check_network(path, validator) for path in networks()))


before = set()
try:
    main()
finally:
    shutil.rmtree(work)
tap.done()
