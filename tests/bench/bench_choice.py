#!/usr/bin/python3
"""The joint choice of cut, power mode, encoding and variant, beside every combination planned alone.

MobileNetV2 at three input sizes, three encodings with codec costs, the four modes of the AGX Xavier:
36 combinations. Every figure is a median over runs in turn; the joint answer must be the best single
one.
"""
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

KERF = os.environ.get("KERF", "build/kerf")
RUNS = 15
SCENE = ["mobilenetv2", "--device", "jetson-agx-xavier", "--uplink", "200 Mbit/s", "--rtt", "4 ms"]
MODES = [m["name"] for m in json.load(open("configs/devices/jetson-agx-xavier.json"))["modes"]]
VARIANTS = [{"name": str(size), "network": "mobilenetv2", "accuracy": accuracy,
             "shapes": {"input": [1, 3, size, size]}}
            for size, accuracy in ((224, 0.718), (160, 0.688), (128, 0.653))]
ENCODINGS = [{"name": "own", "accuracy_loss": 0},
             {"name": "half", "type": "float16", "accuracy_loss": 0.001, "device_time": "0.2 ns/B",
              "device_energy": "2 nJ/B"},
             {"name": "int8z", "type": "int8", "ratio": 0.7, "accuracy_loss": 0.01, "device_time": "2 ns/B",
              "device_energy": "15 nJ/B", "server_time": "0.1 ns/B"}]
QUESTIONS = (["--objective", "energy"], ["--objective", "latency"], ["--objective", "throughput"],
             ["--objective", "edp", "--min-accuracy", "0.67"],
             ["--objective", "energy", "--deadline", "14 ms", "--device-memory", "6 MB"])


def write(folder, name, variants):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        json.dump({"format": "kerf-variants/1", "variants": variants, "encodings": ENCODINGS}, file)
    return path


def plan(arguments):
    """Wall time (s) of the command, and its answer or None."""
    start = time.perf_counter()
    run = subprocess.run([KERF, "plan", *SCENE, *arguments, "--json"], capture_output=True, text=True)
    wall = time.perf_counter() - start
    if run.returncode not in (0, 3):
        sys.exit("bench: %s" % run.stderr)
    answer = json.loads(run.stdout)
    return wall, answer if run.returncode == 0 else None


def value(answer):
    return answer["objective"]["value"] * (-1 if answer["objective"]["name"] == "throughput" else 1)


def bench(folder, question):
    # The size of NETWORK itself is one of the three.
    joint_file = write(folder, "joint.json", [dict(VARIANTS[0], shapes={}), *VARIANTS[1:]])
    joint = [plan([*question, "--variants", joint_file, "--power-mode", "any", "--wire", "any"]) for _ in range(RUNS)]
    answer = joint[0][1]
    singles, best = [], None
    for variant, encoding, mode in itertools.product(VARIANTS, ENCODINGS, MODES):
        if variant["accuracy"] - encoding["accuracy_loss"] < float(question[3] if "--min-accuracy" in question else 0):
            continue
        plain = [w for w in question if w not in ("--min-accuracy", "0.67")]
        single = write(folder, "single.json", [])
        wall, one = plan([*plain, "--input", "input=1x3x%sx%s" % (variant["name"], variant["name"]),
                          "--variants", single, "--power-mode", mode, "--wire", encoding["name"]])
        singles.append((wall, one["solve_time_s"] if one else 0))
        if one and (best is None or value(one) < best):
            best = value(one)
    if (best is None) != (answer is None) or (best is not None and abs(value(answer) - best) > 1e-9 * abs(best)):
        sys.exit("bench: the joint answer is %s, the best of all %s" % (answer and value(answer), best))
    wall = statistics.median(w for w, _ in joint)
    solve = statistics.median(a["solve_time_s"] for _, a in joint) if answer else 0
    print("%-62s %7.1f ms %7.1f ms   %7.1f ms %7.1f ms   %5.1f x"
          % (" ".join(question), 1e3 * wall, 1e3 * solve, 1e3 * sum(w for w, _ in singles),
             1e3 * sum(s for _, s in singles), sum(w for w, _ in singles) / wall))


def main():
    print("%-62s %20s   %20s" % ("", "joint: command, search", "singles: the same, sums"))
    with tempfile.TemporaryDirectory() as folder:
        for question in QUESTIONS:
            bench(folder, question)


main()
