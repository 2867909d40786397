#!/usr/bin/python3
"""The solvers beside their peers, on the same problems in one run, in CPU time.

mincut beside networkx's preflow_push (only the solves are timed, the graphs are built before),
mincut at 100 000 operators, milp beside glpsol on the same program.
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BENCH = os.path.join(os.environ.get("KERF_BENCH_DIR", "build/obj/release/tests/bench"), "bench_solvers")


def ours(*arguments):
    """{(operators, instance): (seconds, value, ...)} from the bench program."""
    out = subprocess.run([BENCH, *arguments], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in out.splitlines()]
    return {(int(n), int(i)): tuple(map(float, figures)) for n, i, *figures in rows}


def read_network(networkx, path):
    graph = networkx.DiGraph()
    with open(path) as file:
        for line in file:
            a, b, capacity = line.split()
            a, b = int(a), int(b)
            if graph.has_edge(a, b):
                if "capacity" in graph[a][b] and capacity != "inf":
                    graph[a][b]["capacity"] += float(capacity)
                else:
                    graph[a][b].pop("capacity", None)
            elif capacity == "inf":
                graph.add_edge(a, b)
            else:
                graph.add_edge(a, b, capacity=float(capacity))
    return graph


def check(what, a, b, tolerance):
    if abs(a - b) > tolerance * max(abs(a), abs(b)):
        sys.exit(f"bench: {what}: {a} and {b} should be the same")


def mincut(directory):
    try:
        import networkx
    except ImportError:
        print("mincut vs networkx: skipped, python3-networkx is not installed")
        return
    from networkx.algorithms.flow import preflow_push

    rows = ours("mincut", directory)
    for size in sorted({n for n, _ in rows}):
        theirs = []
        mine = [row[0] for (n, _), row in rows.items() if n == size]
        solving = [row[2] for (n, _), row in rows.items() if n == size]
        for (n, i), (_, value, _) in rows.items():
            if n != size:
                continue
            graph = read_network(networkx, os.path.join(directory, f"mincut-{n}-{i}.txt"))
            start = time.process_time()
            flow, _ = networkx.minimum_cut(graph, 0, 1, flow_func=preflow_push)
            theirs.append(time.process_time() - start)
            check(f"minimum cut of {n} operators", flow, value, 1e-9)
        a, b, whole = statistics.median(solving), statistics.median(theirs), statistics.median(mine)
        print(f"mincut vs networkx preflow_push, {size} operators: {b / a:.0f} x "
              f"(median {1e3 * a:.3g} ms vs {1e3 * b:.3g} ms, {len(mine)} graphs); "
              f"{b / whole:.0f} x with building our graph")


def milp(directory):
    if not shutil.which("glpsol"):
        print("milp vs glpsol: skipped, glpk-utils is not installed")
        return
    rows = ours("milp", directory)
    for size in sorted({n for n, _ in rows}):
        theirs, stopped = [], 0
        mine = [row[0] for (n, _), row in rows.items() if n == size]
        for (n, i), (_, value) in rows.items():
            if n != size:
                continue
            path = os.path.join(directory, f"milp-{n}-{i}.lp")
            answer = os.path.join(directory, "answer.txt")
            before = os.times()
            subprocess.run(["glpsol", "--lp", path, "--tmlim", "60", "-o", answer], check=True, stdout=subprocess.DEVNULL)
            after = os.times()
            theirs.append(after.children_user + after.children_system - before.children_user - before.children_system)
            with open(answer) as file:
                text = file.read()
            if "INTEGER OPTIMAL" in text:
                found = float(re.search(r"^Objective:\s+\S+ = (\S+)", text, re.M).group(1))
                check(f"milp of {n} operators", found, value, 1e-5)
            else:
                stopped += 1
        a, b = statistics.median(mine), statistics.median(theirs)
        note = f", {stopped} stopped at 60 s" if stopped else ""
        print(f"milp vs glpsol, {size} operators, deadline: {b / a:.2g} x "
              f"(median {1e3 * a:.3g} ms vs {1e3 * b:.3g} ms whole process, {len(mine)} programs{note})")


def main():
    with tempfile.TemporaryDirectory() as directory:
        mincut(directory)
        subprocess.run([BENCH, "large"], check=True)
        milp(directory)


main()
