#!/usr/bin/python3
"""Decision maps of ResNet-50 over 0.1 to 1000 Mbit/s, beside planning afresh at each rate, in CPU
time: making the map (wanted: below 10 ms over the rate alone), and one look-up (below 200 ns)."""
import os
import subprocess

BENCH = os.path.join(os.environ.get("KERF_BENCH_DIR", "build/obj/release/tests/bench"), "bench_map")
AXES = {1: "rate", 2: "rate, RTT", 3: "rate, RTT, load"}

for line in subprocess.run([BENCH], check=True, capture_output=True, text=True).stdout.splitlines():
    axes, objective, made, entries, found, planned = line.split()
    made, found, planned = float(made), float(found), float(planned)
    print("map of resnet50 over %-15s %-10s made in %7.3f ms (%2s candidates, as long as %5.1f plans); "
          "look-up %6.1f ns (%d x faster than a plan)" % (AXES[int(axes)], objective, 1e3 * made, entries,
                                                        made / planned, 1e9 * found, planned / found))
