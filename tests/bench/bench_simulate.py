#!/usr/bin/python3
"""kerf simulate beside SimPy, on one queue in one run, in CPU time: 1000 boards with Poisson arrivals
share a server of four workers that serves first in, first out.

SimPy has the queue only; kerf also has transfers, radios, energy, percentiles. Then the policies that
plan again, the memory of a million boards, and an hour of a thousand boards at 30 frames a second.
"""
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

KERF = os.environ.get("KERF", "build/kerf")
BOARDS, RATE, WORKERS = 1000, 1.0, 4
RUNS = 3


def scenario(folder, boards=BOARDS, duration="300 s", workers=WORKERS, arrivals=None):
    path = os.path.join(folder, "s.json")
    document = {
        "format": "kerf-scenario/1", "name": "bench", "duration": duration, "policies": ["static"],
        "links": {"wifi": {"link": "wifi-n"}}, "servers": {"edge": {"server": "edge-gpu", "workers": workers}},
        "groups": [{"name": "boards", "count": boards, "device": "jetson-tx2", "network": "resnet50",
                    "link": "wifi", "server": "edge", "input_size": "50 kB",
                    "arrivals": arrivals or {"kind": "poisson", "rate": "%g Hz" % RATE}}]}
    with open(path, "w") as file:
        json.dump(document, file)
    return path


def kerf(path, policy):
    """(CPU seconds, memory in MB, the answer) of one run on one thread."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([KERF, "simulate", path, "--policy", policy, "--threads", "1", "--json"],
                                   stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit("bench: kerf simulate ended with status %d" % process.returncode)
        out.seek(0)
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, json.load(out)


def simpy_rate(simpy, service_s, inferences):
    """Jobs a second of processor time, and their mean wait."""
    random.seed(1)
    environment = simpy.Environment()
    server = simpy.Resource(environment, WORKERS)
    waits = []

    def board(environment):
        while True:
            yield environment.timeout(random.expovariate(RATE))
            environment.process(job(environment))

    def job(environment):
        arrived = environment.now
        with server.request() as request:
            yield request
            waits.append(environment.now - arrived)
            yield environment.timeout(service_s)

    for _ in range(BOARDS):
        environment.process(board(environment))
    start = time.process_time()
    environment.run(until=inferences / (BOARDS * RATE))
    return len(waits) / (time.process_time() - start), statistics.mean(waits)


with tempfile.TemporaryDirectory() as folder:
    path = scenario(folder)
    rates = {}
    for policy in ("static", "adaptive", "oracle", "hindsight"):
        results = [kerf(path, policy) for _ in range(RUNS)]
        rates[policy] = statistics.median(r[2]["inferences"] / r[0] for r in results)
        print("%-10s %6.2f million inferences/s, %.0f MB" % (policy, rates[policy] / 1e6, results[0][1]))
    static = kerf(path, "static")[2]["policies"][0]
    group, server = static["groups"][0], static["servers"][0]
    try:
        import simpy
        theirs = [simpy_rate(simpy, group["latency"]["server_s"]["mean"], 60000) for _ in range(RUNS)]
        rate = statistics.median(r[0] for r in theirs)
        print("SimPy %s %6.2f million jobs/s; static is %.1f times as fast, adaptive %.1f times" %
              (simpy.__version__, rate / 1e6, rates["static"] / rate, rates["adaptive"] / rate))
        print("mean wait  kerf %.3g us, SimPy %.3g us" % (1e6 * server["wait_s"]["mean"], 1e6 * theirs[0][1]))
    except ImportError:
        print("SimPy is not installed (python3-simpy3)")
    seconds, memory, answer = kerf(scenario(folder, boards=1000000, duration="2 s", workers=4096), "static")
    print("a million boards: %.0f MB, %d inferences in %.1f s" % (memory, answer["inferences"], seconds))
    frames = {"kind": "periodic", "period": "33.333 ms"}
    seconds, memory, answer = kerf(scenario(folder, duration="1 h", workers=128, arrivals=frames), "static")
    print("an hour of 1000 boards at 30 frames/s: %.0f MB, %d inferences in %.1f s" %
          (memory, answer["inferences"], seconds))
