#!/usr/bin/python3
"""Writes the public measurements of Jetson boards as tables for kerf calibrate.

    tools/measurements.py DATA OUTPUT      (../shared/data/jetson, build/measurements)

The profiles in configs/devices are fitted on these tables: make profiles.
"""
import collections
import csv
import gzip
import json
import os
import re
import sys

FLOAT = 4


def size(elements):
    return FLOAT * elements


def shaped(cls, c_in, h_in, c_out, h_out, kernel=1, groups=None):
    layer = {"class": cls, "input": [c_in, h_in, h_in], "output": [c_out, h_out, h_out]}
    if kernel > 1:
        layer["kernel"] = [kernel, kernel]
    if groups:
        layer["groups"] = groups
    return layer


def block_layers(row):
    """An FBNet block: pointwise, (shuffle,) depthwise, pointwise; or a single operator."""
    h, c_in, c_out, expansion, kernel, stride, groups = (
        int(row[key]) for key in ("input_h", "in_channels", "out_channels", "expansion", "kernel",
                                  "stride", "groups"))
    h_out = -(-h // stride)
    if row["kind"] == "ConvBlock":
        middle = c_in * expansion
        layers = [shaped("pointwise", c_in, h, middle, h, groups=groups)]
        if groups > 1:
            layers.append(shaped("move", middle, h, middle, h))
        return layers + [shaped("depthwise", middle, h, middle, h_out, kernel),
                         shaped("pointwise", middle, h_out, c_out, h_out, groups=groups)]
    if row["kind"] in ("Skip", "ConvNorm"):
        cls = "conv" if kernel > 1 else "pointwise"
        return [shaped(cls, c_in, h, c_out, h_out, kernel)]
    if row["kind"] == "AvgP":
        return [shaped("pool", c_in, h, c_out, 1)]
    if row["kind"] == "FC":
        return [shaped("fc", c_in, 1, c_out, 1)]
    raise ValueError("unknown kind of block: " + row["kind"])


def fbnet_blocks(folder):
    """A group is a stage of the network: one size of the input and one number of channels."""
    rows = []
    with open(os.path.join(folder, "tx2_fbnet_blocks.csv")) as file:
        for row in csv.DictReader(file):
            family = row["kind"]
            if family == "ConvBlock":
                family += ", grouped" if int(row["groups"]) > 1 else ", plain"
            rows.append({"name": row["key"], "group": row["input_h"] + "x" + row["in_channels"],
                         "family": family, "layers": block_layers(row),
                         "latency": row["latency_ms"] + " ms",
                         "energy": row["energy_mJ"] + " mJ"})
    return {"source": "HW-NAS-Bench, FBNet look-up table (MIT): latency and whole-board energy "
                      "(VDD_IN, idle included) of blocks on a Jetson TX2, TensorRT float32, batch 1",
            "board": "jetson-tx2", "power_mode": "maxn", "measurements": rows}


def network_layer(row):
    """MACs and parameters as listed; the listed input channels are those of the layer before, so
    that those of this one follow from its MACs (they differ in branches and groups)."""
    n = {key: int(row[key]) for key in row if key not in ("network", "resolution", "type")}
    kernel, outputs = n["kernel_h"] * n["kernel_w"], n["output_h"] * n["output_w"]
    cls = {"conv": "conv" if kernel > 1 else "pointwise", "dw": "depthwise", "fc": "fc"}[row["type"]]
    steps = n["macs"] / (n["out_channels"] * outputs)
    channels = n["out_channels"] if cls == "depthwise" else max(1, round(steps / kernel))
    layer = {"class": cls, "macs": n["macs"], "weight_bytes": size(n["parameters"]),
             "read_bytes": size(channels * n["input_h"] * n["input_w"]),
             "write_bytes": size(n["out_channels"] * outputs)}
    if cls != "fc":
        layer.update(kernels=n["out_channels"], steps=steps)
    return layer


# MnasNet as that source's own program builds it, MNASNet.py of perf_prediction, after M. Tan et al.,
# "MnasNet: Platform-Aware Neural Architecture Search for Mobile", CVPR 2019: blocks of a pointwise
# expansion, a depthwise and a pointwise convolution. Expansion, channels, kernel, stride, repeats.
MNASNET = ((3, 24, 3, 2, 3), (3, 40, 5, 2, 3), (6, 80, 5, 2, 3), (6, 96, 3, 1, 2), (6, 192, 5, 2, 4),
           (6, 320, 3, 1, 1))


def channels(number):
    """A number of channels that was scaled: a multiple of 8, at least 0.9 of it."""
    rounded = max(8, int(number + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * number else rounded


def mnasnet_layers(width, size):
    """The convolutions of MnasNet, as rows of the list of layers."""
    rows = []

    def convolution(kind, c_in, c_out, kernel=1, stride=1):
        nonlocal size
        size_in, size = size, -(-size // stride)
        weights = kernel * kernel * c_out * (c_in if kind == "conv" else 1)
        rows.append({"type": kind, "in_channels": c_in, "out_channels": c_out, "kernel_h": kernel,
                     "kernel_w": kernel, "input_h": size_in, "input_w": size_in, "output_h": size,
                     "output_w": size, "parameters": weights, "macs": weights * size * size})
        return c_out

    c = convolution("conv", 3, channels(32 * width), 3, 2)
    convolution("dw", c, c, 3)
    c = convolution("conv", c, channels(16 * width))
    for expansion, c_out, kernel, stride, repeats in MNASNET:
        for i in range(repeats):
            middle = convolution("conv", c, c * expansion)
            convolution("dw", middle, middle, kernel, 1 if i else stride)
            c = convolution("conv", middle, channels(c_out * width))
    convolution("conv", c, channels(1152 * width))
    return rows


def complete(network, size, rows):
    """The list of layers lacks the convolutions of MnasNet: its last, fully connected layer is all
    that is there. Its width says whether those that are added lead to it."""
    width = re.match(r"MNASNet([0-9.]+)$", network)
    if not width or len(rows) != 1:
        return rows
    added = mnasnet_layers(float(width.group(1)), int(size))
    if rows[0]["type"] != "fc" or int(rows[0]["in_channels"]) != added[-1]["out_channels"]:
        raise ValueError("%s at %s: the layer listed is not MnasNet's last" % (network, size))
    return added + rows


def listed_layers(folder, completed=True):
    """The layers of each network at each size of its input; equal ones that follow each other are
    counted."""
    rows, layers = collections.defaultdict(list), {}
    with gzip.open(os.path.join(folder, "network_layers.csv.gz"), "rt") as file:
        for row in csv.DictReader(file):
            rows[row["network"], row["resolution"]].append(row)
    for key, listed in rows.items():
        known = layers[key] = []
        for row in complete(*key, listed) if completed else listed:
            layer = network_layer(row)
            if known and dict(known[-1], count=1) == dict(layer, count=1):
                known[-1]["count"] = known[-1].get("count", 1) + 1
            else:
                known.append(layer)
    return layers


def network_latencies(folder, board, completed=True):
    """Whole networks in Keras/TensorFlow: a group is a network, in all sizes of its input."""
    layers = listed_layers(folder, completed)
    rows = []
    with open(os.path.join(folder, "network_latency.csv")) as file:
        for row in csv.DictReader(file):
            key = row["network"], row["resolution"]
            if row["board"] == board and key in layers:
                family = re.match("[A-Za-z]+", row["network"]).group()
                rows.append({"name": "%s@%s" % key, "group": row["network"], "family": family,
                             "layers": layers[key], "latency": row["latency_ms"] + " ms"})
    return {"source": "Bouzidi et al., perf_prediction: latency of whole networks in "
                      "Keras/TensorFlow float32, batch 1; convolutions and fully connected layers "
                      "are listed, others are not%s" % (
                          "; MnasNet's convolutions are those of its program MNASNet.py"
                          if completed else ""), "board": board, "measurements": rows}


def elements(tensor):
    count = 1
    for length in tensor["Dimensions"]:
        count *= length
    return count


def orin_layer(layer):
    """The engine works in float16; bytes are those of the float32 network it was made from."""
    out, inputs = layer["Outputs"][0], layer["Inputs"]
    if layer["Groups"] == layer["OutMaps"] and layer["Groups"] > 1:
        cls = "depthwise"
    else:
        cls = "pointwise" if layer["Kernel"] == [1, 1] else "conv"
    steps = layer["Weights"]["Count"] / layer["OutMaps"]
    return {"class": cls, "macs": steps * elements(out),
            "weight_bytes": size(layer["Weights"]["Count"]),
            "read_bytes": size(sum(elements(t) for t in inputs)), "write_bytes": size(elements(out)),
            "kernels": layer["OutMaps"], "steps": steps}


def orin_layers(folder):
    """The convolutions, each inside a call, and the reformatting of the input, once per call."""
    folder = os.path.join(folder, "orin_nano_mobilenetv2_fp16")
    with open(os.path.join(folder, "trt_engine_info_5cycles.json")) as file:
        engine = {layer["Name"]: layer for layer in json.load(file)["Layers"]}
    rows = []
    with open(os.path.join(folder, "average_power_and_run_time_layers.csv")) as file:
        for row in csv.DictReader(file):
            time = float(row["average_run_time"]) * 1e-3
            figures = {"latency": "%.6g ms" % (time * 1e3),
                       "energy": "%.6g mJ" % (time * float(row["average_power"]) * 1e-3)}
            layer = engine[row["layer name"]]
            if row["layer_type"].startswith("Cask") and "Kernel" in layer:
                found = orin_layer(layer)
                rows.append(dict({"name": "conv %d" % (len(rows) + 1), "calls": 0,
                                  "family": found["class"], "layers": [found]}, **figures))
    return {"source": "fuzzylabs/edge-vision-power-estimation (Apache-2.0): run time x board power "
                      "of the convolutions of MobileNetV2 in TensorRT float16",
            "board": "jetson-orin-nano", "power_mode": "15w", "measurements": rows}


def write(folder, name, table):
    with open(os.path.join(folder, name + ".json"), "w") as file:
        json.dump(dict({"format": "kerf-measurements/1"}, **table), file, indent=1)
        file.write("\n")


def main():
    data = sys.argv[1] if len(sys.argv) > 1 else "../shared/data/jetson"
    output = sys.argv[2] if len(sys.argv) > 2 else "build/measurements"
    os.makedirs(output, exist_ok=True)
    write(output, "tx2-blocks", fbnet_blocks(data))
    write(output, "orin-nano-layers", orin_layers(data))
    for board in ("jetson-tx2", "jetson-agx-xavier", "jetson-nano"):
        name = board[len("jetson-"):] + "-networks"
        write(output, name, network_latencies(data, board))
        write(output, name + "-as-listed", network_latencies(data, board, completed=False))


if __name__ == "__main__":
    main()
