"""kerf import: layer profiles of TensorRT and ONNX Runtime, mapped back to operators."""
import csv
import io
import json
import os
import re
import shutil
import tempfile

import tap
from tap import check, fails, kerf

ROOT = tempfile.mkdtemp(prefix="kerf-import-")
ENGINE = "../shared/data/jetson/orin_nano_mobilenetv2_fp16"


def path(name):
    return os.path.join(ROOT, name)


def write(name, content):
    with open(path(name), "w", encoding="utf-8") as file:
        file.write(content if isinstance(content, str) else json.dumps(content))
    return path(name)


def chain(name, names):
    """A network of blocks, one after the other."""
    operators, last = [], "x"
    for i, op in enumerate(names):
        operators.append({"name": op, "type": "Block", "inputs": [last], "outputs": ["t%d" % i], "macs": 1e6,
                          "output_shapes": [[1, 8, 4, 4]]})
        last = "t%d" % i
    return write(name, {"format": "kerf-network/1", "name": name, "operators": operators, "outputs": [last],
                        "inputs": [{"name": "x", "shape": [1, 8, 4, 4], "type": "float32"}]})


def imported(*arguments):
    status, out, err = kerf("import", *arguments, "--json")
    if status != 0:
        raise AssertionError("status %d: %s" % (status, err))
    answer = json.loads(out)
    answer["by_name"] = {layer["name"]: layer for layer in answer["layers"]}
    return answer


def near(value, expected):
    return abs(value - expected) <= 1e-9 * abs(expected)


NET = chain("net.json", ["conv1", "relu1", "/a/conv (2)", "b", "sigmoid", "mul", "m1", "m2", "m3", "fc"])


def trtexec(*layers):
    return [{"count": 50}] + [{"name": n, "timeMs": 50 * ms, "averageMs": ms, "medianMs": ms, "percentage": 1}
                              for n, ms in layers]


# --- trtexec ---

profile = write("profile.json", trtexec(
    ("Reformatting CopyNode for Input Tensor 0 to conv1 + relu1", 0.01), ("conv1 + relu1", 0.2),
    ("/a/conv (2) || b", 0.1), ("PWN(PWN(sigmoid), mul)", 0.03), ("{ForeignNode[m1...m3]}", 0.4), ("fc", 0.05),
    ("something else", 0.11)))
answer = imported(NET, profile)
layers = answer["by_name"]
for name, operators in (("conv1 + relu1", ["conv1", "relu1"]), ("/a/conv (2) || b", ["/a/conv (2)", "b"]),
                        ("PWN(PWN(sigmoid), mul)", ["sigmoid", "mul"]),
                        ("{ForeignNode[m1...m3]}", ["m1", "m2", "m3"]), ("fc", ["fc"]), ("something else", []),
                        ("Reformatting CopyNode for Input Tensor 0 to conv1 + relu1", [])):
    check("%s is %s" % (name, operators or "no operator's"), layers[name]["operators"] == operators, layers[name])
check("times are milliseconds", near(layers["conv1 + relu1"]["latency_s"], 0.2e-3), layers)
check("the share that was mapped", near(answer["mapped_share"], 0.78 / 0.9) and answer["mapped_operators"] == 10, answer)
status, out, err = kerf("import", NET, profile)
check("what was not mapped is told with its share", status == 0 and "something else" in out and "12.2 %" in out and
      "Reformatting" in out and "86.7 %" in out, out + err)

info = write("info.json", {"Layers": [
    {"Name": "myelin1", "LayerType": "Myelin", "Metadata": "[ONNX Layer: conv1]\x1e[ONNX Layer: fc]"},
    {"Name": "cast b", "LayerType": "NoOp", "Metadata": ""}, {"Name": "b", "LayerType": "Conv", "Metadata": ""}],
    "Bindings": ["x"]})
times = write("times.json", trtexec(("myelin1", 1), ("cast b", 0.5), ("b", 2)))
for order in ((info, times), (times, info)):
    layers = imported(NET, *order)["by_name"]
    check("what a layer was fused from is taken from the engine's description", (
        layers["myelin1"]["operators"], layers["cast b"]["operators"], layers["b"]["operators"]) ==
          (["conv1", "fc"], [], ["b"]), layers)
names_only = write("names.json", {"Layers": ["conv1", "fc"], "Bindings": []})
check("a description without details", imported(NET, names_only, write("t2.json", trtexec(("fc", 1))))["mapped_operators"] == 1)
twice = imported(NET, write("twice.json", trtexec(("conv1", 1), ("conv1 + relu1", 2), ("relu1 + b", 4), ("fc", 8))))
check("layers that share an operator are one", [(l["operators"], round(1e3 * l["latency_s"], 9)) for l in twice["layers"]] ==
      [(["conv1", "relu1", "b"], 7.0), (["fc"], 8.0)], twice)
bridge = imported(NET, write("bridge.json", trtexec(("conv1", 1), ("fc", 2), ("b", 4), ("fc + conv1 + b", 8))))
check("also when a later one joins several", [l["operators"] for l in bridge["layers"]] == [["conv1", "b", "fc"]] and
      near(bridge["layers"][0]["latency_s"], 15e-3), bridge)
check("a name that is part of another's is not taken for it",
      imported(NET, write("part.json", trtexec(("fc", 1), ("fc_2", 1), ("xfc", 1), ("fc1 + fcb", 1))))["mapped_operators"] == 1)
repeated = imported(NET, write("repeated.json", {"fc": [[1.0, "t"], [3.0, "t"]], "b": [[4.0, "t"]]}))
check("repetitions are averaged", near(repeated["by_name"]["fc"]["latency_s"], 2e-3), repeated)

# --- ONNX Runtime ---

events = [{"cat": "Session", "name": "model_loading", "dur": 5, "ph": "X", "ts": 1, "args": {}}]
for run in range(4):
    events.append({"cat": "Session", "name": "model_run", "dur": 900, "ph": "X", "ts": 2, "args": {}})
    for node, us in (("conv1", 100 + run), ("fc", 50), ("fused relu1", 7)):
        events.append({"cat": "Node", "name": node + "_fence_before", "dur": 1, "ph": "X", "ts": 3, "args": {}})
        events.append({"cat": "Node", "name": node + "_kernel_time", "dur": us, "ph": "X", "ts": 3,
                       "args": {"op_name": "Conv", "provider": "CPUExecutionProvider"}})
    events.append({"cat": "Node", "name": "b_kernel_time", "dur": 2, "ph": "X", "ts": 3, "args": {}})
    events.append({"cat": "Node", "name": "b_kernel_time", "dur": 2, "ph": "X", "ts": 3, "args": {}})
answer = imported(NET, write("ort.json", events))
layers = answer["by_name"]
check("ONNX Runtime's kernels are averaged over the runs", answer["runtime"] == "ONNX Runtime" and
      near(layers["conv1"]["latency_s"], 101.5e-6) and near(layers["fc"]["latency_s"], 50e-6), layers)
check("a node that ran twice a run has both", near(layers["b"]["latency_s"], 4e-6), layers)
check("a node that optimisation made up is mapped by the name in it", layers["fused relu1"]["operators"] == ["relu1"])



def kernels(*events):
    return write("kernels.json", [{"cat": "Node", "name": name + "_kernel_time", "dur": 10, "args": args}
                                  for name, args in events])


FUSED = write("fused.json", {
    "format": "kerf-network/1", "name": "fused", "outputs": ["r_out", "g_out", "h_out"],
    "inputs": [{"name": "x", "shape": [1, 8, 4, 4], "type": "float32"}],
    "operators": [{"name": n, "type": t, "inputs": i, "outputs": [n + "_out"]}
                  for n, t, i in (("c", "Sigmoid", ["x"]), ("bn", "Neg", ["c_out"]), ("r", "Relu", ["bn_out"]),
                                  ("m", "MatMul", ["x", "x"]), ("g", "Relu", ["m_out"]), ("h", "Relu", ["m_out"]))]})
layers = imported(FUSED, kernels(
    ("r_out_nchwc_token_12", {"op_name": "Sigmoid"}), ("m/MatMulAddFusion/", {"op_name": "Gemm"}),
    ("h/LayerNormFusion/", {"op_name": "LayerNormalization"}), ("g_out_nchwc", {"op_name": "MatMul"}), ("zz_nchwc", {"op_name": "Conv"}),
    ("_nchwc", {"op_name": "Conv"}), ("/Fusion", {"op_name": "Conv"})))["by_name"]
check("a kernel called after the tensor it writes ran all that was folded into it",
      layers["r_out_nchwc_token_12"]["operators"] == ["c", "bn", "r"], layers)
check("a product that was fused is the product", layers["m/MatMulAddFusion/"]["operators"] == ["m"], layers)
check("what names that were made up do not tell stays unmapped",
      all(not layers[n]["operators"] for n in ("h/LayerNormFusion/", "g_out_nchwc", "zz_nchwc", "_nchwc", "/Fusion")), layers)
layers = imported(FUSED, kernels(("r_out_nchwc", {}), ("c", {"op_name": "Conv"})))["by_name"]
check("a kernel of no known type is not guessed", not layers["r_out_nchwc"]["operators"], layers)
fails("a type that is no text", 1, ["import", FUSED, kernels(("c", {"op_name": 3}))], "op_name")

# --- CSV ---

table = write("table.csv", "# by hand\nname,latency_us,power_W\n\"conv1, relu1\",100,5\nfc,50,\n")
layers = imported(NET, write("mark.csv", "\ufeffname,latency_us\r\nfc,50\r\n"))["by_name"]
check("CSV: a byte order mark is passed over", near(layers["fc"]["latency_s"], 50e-6), layers)
layers = imported(NET, table)["by_name"]
check("CSV: energy is power times time", near(layers["conv1, relu1"]["energy_J"], 500e-6) and
      layers["fc"]["energy_J"] is None, layers)
more = write("more.csv", "layer,energy_mJ\nfc,3\n")
layers = imported(NET, profile, more)["by_name"]
check("files complete each other", near(layers["fc"]["energy_J"], 3e-3) and near(layers["fc"]["latency_s"], 5e-5), layers)
rows = list(csv.DictReader(io.StringIO(kerf("import", NET, table, "--csv")[1])))
check("CSV out", rows[0]["operators"] == "conv1;relu1" and near(float(rows[0]["latency_s"]), 1e-4), rows)

# --- what is written, and used ---

status, out, err = kerf("import", NET, profile, more, "--output", path("m.json"), "--table", path("t.json"))
check("both files are written", status == 0 and err == "", err)
written = json.load(open(path("m.json"), encoding="utf-8"))
check("single operators and groups", written["operators"] == {"fc": {"latency": "5e-05 s", "energy": "0.003 J"}} and
      [g["operators"] for g in written["groups"]][0] == ["conv1", "relu1"], written)
plan = tap.plan(NET, "--device-profile", path("m.json"), "--pin", "fc=device", "--objective", "latency")
check("a plan takes them: all on the device costs what was measured",
      plan["cost"]["latency"]["device_s"] > 0.78e-3 and plan["cost"]["latency"]["device_s"] < 2e-3, plan["cost"])
measurements = json.load(open(path("t.json"), encoding="utf-8"))
check("a table of measurements", measurements["format"] == "kerf-measurements/1" and
      os.path.isabs(measurements["measurements"][0]["network"]) and measurements["measurements"][0]["calls"] == 0, measurements)
fails("existing files are kept", 1, ["import", NET, profile, "--output", path("m.json")], "m.json")

# --- a real engine ---

if os.path.isdir(ENGINE):
    files = [os.path.join(ENGINE, name) for name in ("trt_engine_info_5cycles.json", "trt_layer_latency_5cycles.json",
                                                     "average_power_and_run_time_layers.csv")]
    with open(files[0], encoding="utf-8") as file:
        text = json.dumps([l["Name"] for l in json.load(file)["Layers"]])
    # The graph's own nodes, as its exporter named them.
    nodes = list(dict.fromkeys(re.findall(r"\[aten_ops\.(?:convolution|_native_batch_norm_legit_no_training|linear|add|"
                                          r"clamp|mean)\.[a-zA-Z_]+\]-\[([^\]]+)\]", text)))
    answer = imported(chain("mobilenetv2.json", nodes), *files)
    convolutions = [l for l in answer["layers"] if any("conv" in o and o.split("/")[-1].startswith("convolution") for o in l["operators"])]
    check("the 52 convolutions of MobileNetV2 are mapped, with energy", len(convolutions) == 52 and
          all(l["energy_J"] > 0 for l in convolutions), len(convolutions))
    check("most of the time is mapped", answer["mapped_share"] > 0.8, answer["mapped_share"])
else:
    tap.skip("a real engine", "no reference data")

# --- bad input ---

for name, content, expected in (
        ("no JSON", "[{", "expected near end of file"), ("a wrong type", trtexec(("fc", "1")), "averageMs"),
        ("a negative time", trtexec(("fc", -1)), "averageMs"), ("an absurd time", trtexec(("fc", 1e12)), "averageMs"),
        ("a missing time", [{"name": "fc"}], "averageMs"), ("another network's profile", trtexec(("zzz", 1)), "names an operator"),
        ("no times", {"Layers": [{"Name": "fc"}]}, "tells no layer's time"), ("an empty array", [], "tells no layer's time"),
        ("an array of numbers", [1, 2], "object"), ("a layer without a name", {"Layers": [{"LayerType": "x"}]}, "Name"),
        ("empty repetitions", {"fc": [[]]}, "expected milliseconds"), ("times that are no list", {"fc": 3}, "array"),
        ("an unknown table", "a,b\n1,2\n", "is no header"), ("a time that is text", "name,latency_ms\nfc,long\n", "long"),
        ("a short row", "name,latency_ms\nfc\n", "has 1 cells"), ("a negative cell", "name,latency_ms\nfc,-1\n", "-1"),
        ("a row without a name", "name,latency_ms\n,1\n", "has no name"), ("two columns for one", "name,latency_ms,latency_s\n", "second column"),
        ("nothing", "", "is no header")):
    fails(name, 1, ["import", NET, write("bad", content)], "bad", expected)
fails("a file that is not there", 1, ["import", NET, path("none")], "none")
fails("no file", 2, ["import", NET], "expected a network and the files")
shutil.rmtree(ROOT)
tap.done()
