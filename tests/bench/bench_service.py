#!/usr/bin/python3
"""The service beside a bare libzmq echo with messages of the same sizes over the same sockets.

Service and echo are asked in turn, by the same clients on the same machine, which share its
processors with them: ratios count, not the absolute figures. The processor time for each reply, all
threads together, varies least with what else the machine does. Every request has an uplink rate of its
own, so none is answered from a copy of an earlier reply.
"""
import glob
import os
import statistics
import subprocess

KERF = os.environ.get("KERF", "build/kerf")
PROGRAM = os.path.join(os.environ.get("KERF_BENCH_DIR", "build/obj/release/tests/bench"), "bench_service")
REQUEST = ('{"v":1,"id":7,"op":"plan","network":"resnet50","device":"jetson-tx2","server":"edge-gpu",'
           '"link":{"uplink":"#### kbit/s","rtt":"20 ms"},"server_load":0.2,"objective":"energy"}')
SECONDS = float(os.environ.get("KERF_BENCH_SECONDS", "0.6"))
ROUNDS = 5  # short ones: what else the machine does changes from second to second
LONG = int(os.environ.get("KERF_BENCH_REQUESTS", "200000"))


def load(endpoint, clients, rate=0, seconds=SECONDS):
    run = subprocess.run([PROGRAM, "load", endpoint, str(clients), str(seconds), str(rate), REQUEST], capture_output=True, text=True, check=True)
    return [float(word) for word in run.stdout.split()]


def memory_MB(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))


def processor_us(pid):
    """What all threads have used so far."""
    total = 0
    for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
        with open(path, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1000


def measured(pid, endpoint, *arguments):
    """The figures of load, with the processor time for each reply in the place of their number."""
    before = processor_us(pid)
    figures = load(endpoint, *arguments)
    return figures[:-1] + [(processor_us(pid) - before) / figures[-1]]


def started(arguments):
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return process, process.stdout.readline().strip()


def both(service, echo, *arguments):
    """Medians of the rounds in turn: (service's figures, echo's figures)."""
    rounds = [(measured(*service, *arguments), measured(*echo, *arguments)) for _ in range(ROUNDS)]
    return [[statistics.median(figures) for figures in zip(*side)] for side in zip(*rounds)]


service, at = started([KERF, "serve", "--quiet", "--bind", "tcp://127.0.0.1:*"])
try:
    size = load(at, 1, seconds=0.5)[1]
    echo, echo_at = started([PROGRAM, "echo", "tcp://127.0.0.1:*", str(int(size))])
    try:
        print("request %d B, reply %d B; kerf serve / bare echo" % (len(REQUEST), size))
        for clients in (1, 10, 1000):
            sides = (service.pid, at), (echo.pid, echo_at)
            ours, theirs = both(*sides, clients)
            print("%4d clients: %6.0f / %6.0f replies a second: %3.0f %%, processor time %4.1f / %4.1f us each" %
                  (clients, ours[0], theirs[0], 100 * ours[0] / theirs[0], ours[-1], theirs[-1]))
            rate = ours[0] / 2
            ours, theirs = both(*sides, clients, rate)
            print("     at %6.0f a second: median %4.0f / %4.0f us: %.2f x, 99th percentile %5.0f / %5.0f us: %.2f x" %
                  (rate, ours[2], theirs[2], ours[2] / theirs[2], ours[3], theirs[3], ours[3] / theirs[3]))
    finally:
        echo.kill()
        echo.wait()
    rate = load(at, 10)[0]
    before, step = memory_MB(service.pid), max(1.0, LONG / rate / 4)
    sizes, answered = [], 0
    for _ in range(4):
        answered += load(at, 10, seconds=step)[-1]
        sizes.append(memory_MB(service.pid))
    print("memory over %.1f million requests: %.1f MB before, then %s MB" %
          (answered / 1e6, before, ", ".join("%.1f" % s for s in sizes)))
finally:
    service.terminate()
    service.wait()
