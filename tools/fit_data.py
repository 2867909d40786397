"""Reads the reference measurements (../shared/data/jetson) as work per fused group.

Every measurement becomes a list of groups {class: MACs, "bytes": ..., "kernels": ...} as
model/cost/price.c counts them: bytes are those of float32 activations read and written outside the
group, and of weights.
"""
import collections
import csv
import gzip
import json
import os

FLOAT = 4


def group(cls, macs, bytes_, kernels):
    return {"class": cls, "macs": macs, "bytes": bytes_, "kernels": kernels}


def convolution(h, w, c_in, c_out, kernel, stride, groups=1):
    """A convolution with 'same' padding; returns its group and its output's height and width."""
    h_out, w_out = -(-h // stride), -(-w // stride)
    weights = c_out * (c_in // groups) * kernel * kernel
    if groups == c_in and groups == c_out and groups > 1:
        cls = "depthwise"
    else:
        cls = "pointwise" if kernel == 1 else "conv"
    size = FLOAT * (h * w * c_in + h_out * w_out * c_out + weights)
    return group(cls, h_out * w_out * weights, size, c_out), h_out, w_out


def block_groups(row):
    h, w, c_in, c_out, expansion, kernel, stride, groups = (
        int(row[key]) for key in ("input_h", "input_w", "in_channels", "out_channels", "expansion",
                                  "kernel", "stride", "groups"))
    if row["kind"] == "ConvBlock":
        middle = c_in * expansion
        first, _, _ = convolution(h, w, c_in, middle, 1, 1, groups)
        shuffle = [group("move", 0, 2 * FLOAT * h * w * middle, 0)] if groups > 1 else []
        second, h2, w2 = convolution(h, w, middle, middle, kernel, stride, middle)
        third, _, _ = convolution(h2, w2, middle, c_out, 1, 1, groups)
        return [first] + shuffle + [second, third]
    if row["kind"] == "Skip":
        return [convolution(h, w, c_in, c_out, 1, stride)[0]]
    if row["kind"] == "ConvNorm":
        return [convolution(h, w, c_in, c_out, kernel, stride)[0]]
    if row["kind"] == "AvgP":
        return [group("pool", 0, FLOAT * (h * w * c_in + c_out), 0)]
    if row["kind"] == "FC":
        return [group("fc", c_in * c_out, FLOAT * (c_in + 2 * c_out + c_in * c_out), 0)]
    raise ValueError("unknown kind of block: " + row["kind"])


def fbnet_blocks(folder):
    """TX2: one call per block. Grouped pointwise blocks are marked; `fold` is the stage."""
    blocks = []
    with open(os.path.join(folder, "tx2_fbnet_blocks.csv")) as file:
        for row in csv.DictReader(file):
            blocks.append({"name": row["key"], "kind": row["kind"], "groups": block_groups(row),
                           "grouped": int(row["groups"]) > 1,
                           "fold": row["input_h"] + "x" + row["in_channels"],
                           "latency": float(row["latency_ms"]) * 1e-3,
                           "energy": float(row["energy_mJ"]) * 1e-3})
    return blocks


def network_latencies(folder, board):
    """Whole networks in Keras/TensorFlow: compute layers only are listed; `fold` is the network."""
    layers = collections.defaultdict(list)
    with gzip.open(os.path.join(folder, "network_layers.csv.gz"), "rt") as file:
        for row in csv.DictReader(file):
            n = {key: int(row[key]) for key in row if key not in ("network", "type")}
            cls = {"conv": "conv", "dw": "depthwise", "fc": "fc"}[row["type"]]
            if cls == "conv" and n["kernel_h"] == 1 and n["kernel_w"] == 1:
                cls = "pointwise"
            size = FLOAT * (n["in_channels"] * n["input_h"] * n["input_w"] +
                            n["out_channels"] * n["output_h"] * n["output_w"] + n["parameters"])
            layers[row["network"], row["resolution"]].append(
                group(cls, n["macs"], size, n["out_channels"]))
    networks = []
    with open(os.path.join(folder, "network_latency.csv")) as file:
        for row in csv.DictReader(file):
            key = row["network"], row["resolution"]
            if row["board"] == board and key in layers:
                networks.append({"name": "%s@%s" % key, "fold": row["network"],
                                 "groups": layers[key], "latency": float(row["latency_ms"]) * 1e-3})
    return networks


def elements(tensor):
    count = 1
    for size in tensor["Dimensions"]:
        count *= size
    return count


def orin_layers(folder):
    """Orin Nano: one entry per convolution.

    The engine works in float16; bytes are counted as the float32 network that it was made from
    has them. Also returns the time of the activations, which this engine runs as kernels of their
    own, the reformatting of the input (once per call), and the idle power.
    """
    folder = os.path.join(folder, "orin_nano_mobilenetv2_fp16")
    with open(os.path.join(folder, "trt_engine_info_5cycles.json")) as file:
        engine = {layer["Name"]: layer for layer in json.load(file)["Layers"]}
    with open(os.path.join(folder, "idling_power_log.log")) as file:
        idle = float(file.read().split(":")[1].split()[0]) * 1e-6  # the log says mW, it is uW
    layers, reformat, activations = [], None, 0
    with open(os.path.join(folder, "average_power_and_run_time_layers.csv")) as file:
        for row in csv.DictReader(file):
            time = float(row["average_run_time"]) * 1e-3
            energy = time * float(row["average_power"]) * 1e-6
            kind, layer = row["layer_type"], engine[row["layer name"]]
            if kind == "Reformat":
                reformat = time, energy
            elif kind.startswith("Cask") and "Kernel" in layer:
                layers.append({"name": row["layer name"], "groups": [orin_group(layer)],
                               "fold": str(len(layers)), "latency": time, "energy": energy})
            elif kind == "PointWiseV2":
                activations += time
    return layers, activations, reformat, idle


def orin_group(layer):
    out = layer["Outputs"][0]
    macs = layer["Weights"]["Count"] * elements(out) // layer["OutMaps"]
    size = FLOAT * (sum(elements(t) for t in layer["Inputs"]) + elements(out) +
                    layer["Weights"]["Count"])
    if layer["Groups"] == layer["OutMaps"] and layer["Groups"] > 1:
        cls = "depthwise"
    else:
        cls = "pointwise" if layer["Kernel"] == [1, 1] else "conv"
    return group(cls, macs, size, layer["OutMaps"])
