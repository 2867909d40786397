#!/usr/bin/python3
"""Whole processes: the time and memory of `kerf plan`, and what weights in an ONNX file cost.

Every figure is a median over runs in turn; memory is the largest resident set of a run.
"""
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

KERF = os.environ.get("KERF", "build/kerf")
RUNS = 31


def run(arguments):
    """Wall time (s) and peak memory (MB) of one run."""
    start = time.perf_counter()
    process = subprocess.Popen([KERF, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: kerf {' '.join(arguments)} ended with status {process.returncode}")
    return wall, usage.ru_maxrss / 1024


def compare(*commands):
    """Runs the commands in turn; (median wall, largest memory) of each."""
    results = [[] for _ in commands]
    for _ in range(RUNS):
        for command, result in zip(commands, results):
            result.append(run(command))
    return [(statistics.median(w for w, _ in r), max(m for _, m in r)) for r in results]


def varint(value):
    out = b""
    while True:
        byte, value = value & 127, value >> 7
        if not value:
            return out + bytes([byte])
        out += bytes([byte | 128])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def number_field(number, value):
    return varint(number << 3) + varint(value)


def write_onnx(path, layers, channels, with_weights):
    """A chain of 3x3 convolutions; the weights are zeros that take no room on the disk."""
    dims = b"".join(number_field(1, d) for d in (channels, channels, 3, 3))
    weight_bytes = channels * channels * 9 * 4
    shape = b"".join(field(1, number_field(1, d)) for d in (1, channels, 28, 28))
    tensor_type = field(2, field(1, number_field(1, 1) + field(2, shape)))
    head, tensors = field(2, b"chain"), []
    for i in range(layers):
        pads = field(1, b"pads") + b"".join(number_field(8, 1) for _ in range(4)) + number_field(20, 7)
        node = (field(1, f"t{i}".encode()) + field(1, f"w{i}".encode()) + field(2, f"t{i + 1}".encode())
                + field(3, f"conv{i}".encode()) + field(4, b"Conv") + field(5, pads))
        head += field(1, node)
        tensors.append(dims + number_field(2, 1) + field(8, f"w{i}".encode()))
    tail = (field(11, field(1, b"t0") + tensor_type)
            + field(12, field(1, f"t{layers}".encode()) + tensor_type))
    data = varint(9 << 3 | 2) + varint(weight_bytes)
    extra = len(data) + weight_bytes if with_weights else 0
    headers = [varint(5 << 3 | 2) + varint(len(t) + extra) for t in tensors]
    total = len(head) + len(tail) + sum(len(h) + len(t) + extra for h, t in zip(headers, tensors))
    with open(path, "wb") as f:
        f.write(number_field(1, 8) + field(8, field(1, b"") + number_field(2, 13)))
        f.write(varint(7 << 3 | 2) + varint(total) + head)
        for header, t in zip(headers, tensors):
            f.write(header + t)
            if with_weights:
                f.write(data)
                f.seek(weight_bytes, os.SEEK_CUR)
        f.write(tail)


def main():
    (wall, memory), (start_up, _) = compare(["plan", "resnet50"], ["--version"])
    print(f"kerf plan resnet50, whole process: {wall * 1e3:.2f} ms, {memory:.1f} MB "
          f"(asked: below 10 ms and 20 MB; kerf --version alone: {start_up * 1e3:.2f} ms)")
    with tempfile.TemporaryDirectory() as folder:
        full, stripped = (os.path.join(folder, name) for name in ("full.onnx", "stripped.onnx"))
        write_onnx(full, 50, 512, True)
        write_onnx(stripped, 50, 512, False)
        (with_w, memory_w), (without, memory_wo) = compare(["inspect", full], ["inspect", stripped])
        print(f"ONNX with {os.path.getsize(full) / 1e6:.0f} MB of weights vs. stripped: "
              f"{with_w / without:.2f} x the time (asked: below 1.5), "
              f"{memory_w:.1f} MB vs. {memory_wo:.1f} MB of memory")
    real = "../shared/data/onnx/{}tv_mobilenet_v2.onnx"
    if os.path.exists(real.format("full/")):
        (with_w, memory_w), (without, memory_wo) = compare(["inspect", real.format("full/")],
                                                           ["inspect", real.format("")])
        print(f"MobileNetV2 with 14 MB of weights vs. stripped: {with_w / without:.2f} x the time, "
              f"{memory_w:.1f} MB vs. {memory_wo:.1f} MB of memory")


if __name__ == "__main__":
    main()
