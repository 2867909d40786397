#!/usr/bin/python3
"""Constrained optima beside plain `glpsol --cuts` on the unreduced model, in CPU time.

Least energy under a deadline and a memory limit that both bind, on networks with four branches:
blocks as in Inception, layers of four, four long streams. `milp` is our branch and bound asked for
by name, `auto` what a plan uses. Ours is proven to 1e-9, glpsol's to its own tolerances.
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

BENCH = os.path.join(os.environ.get("KERF_BENCH_DIR", "build/obj/release/tests/bench"), "bench_limits")
CAP_S = 60
# operators, instances of each kind of network, tightness (see bench_limits.c)
QUESTIONS = [(500, 3, 0.3), (1000, 3, 0.3), (1500, 3, 0.3), (1500, 3, 0.02), (2000, 2, 0.3)]


def glpsol(path, directory):
    """(seconds, objective or None where it was stopped, its gap then)"""
    answer = os.path.join(directory, "answer.txt")
    before = os.times()
    out = subprocess.run(["glpsol", "--cuts", "--lp", path, "--tmlim", str(CAP_S), "-o", answer],
                         check=True, capture_output=True, text=True).stdout
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    with open(answer) as file:
        text = file.read()
    if "INTEGER OPTIMAL" in text:
        return seconds, float(re.search(r"^Objective:\s+\S+ = (\S+)", text, re.M).group(1)), "0 %"
    gaps = re.findall(r"mip = .*?\s(\S+%|inf)\s+\(", out)
    return seconds, None, gaps[-1] if gaps else "no plan"


def row(kind, n, cases, directory):
    ratios, autos, mine, theirs, gaps = [], [], [], [], []
    for case in cases:
        seconds, value, gap = glpsol(os.path.join(directory, f"{kind}-{n}-{case['seed']}.lp"), directory)
        if value is None:
            gaps.append(gap)
        elif abs(value - case["objective"]) > 1e-6 * case["objective"]:
            sys.exit(f"bench: {kind} of {n} operators: {value} and {case['objective']} should be the same")
        ratios.append(seconds / case["milp"])
        autos.append(seconds / case["auto"])
        mine.append(case["milp"])
        theirs.append(seconds)
    least = ">= " if gaps else ""
    stopped = f"; glpsol stopped at {CAP_S} s in {len(gaps)}, gaps {', '.join(gaps)}" if gaps else ""
    over = [statistics.median(c[k] for c in cases) for k in ("deadline", "memory", "alone")]
    print(f"  {kind}: milp {least}{statistics.median(ratios):.0f} x, auto {least}{statistics.median(autos):.0f} x "
          f"({cases[0]['solver']}); median {1e3 * statistics.median(mine):.3g} ms, slowest {1e3 * max(mine):.3g} ms, "
          f"vs {statistics.median(theirs):.3g} s{stopped}; the optimum without limits breaks the deadline by "
          f"{100 * over[0]:.3g} %, the memory by {100 * over[1]:.3g} %, with the deadline alone by {100 * over[2]:.3g} %",
          flush=True)


def main():
    if not shutil.which("glpsol"):
        print("limits vs glpsol: skipped, glpk-utils is not installed")
        return
    for n, seeds, tightness in QUESTIONS:
        with tempfile.TemporaryDirectory() as directory:
            out = subprocess.run([BENCH, directory, str(n), str(seeds), str(tightness)],
                                 check=True, capture_output=True, text=True).stdout
            cases = {}
            for line in out.splitlines():
                kind, _, seed, milp, auto, solver, objective, _, deadline, memory, alone = line.split()
                cases.setdefault(kind, []).append({
                    "seed": seed, "milp": float(milp), "auto": float(auto), "solver": solver,
                    "objective": float(objective), "deadline": float(deadline), "memory": float(memory),
                    "alone": float(alone)})
            print(f"energy under a deadline and a memory limit vs glpsol --cuts, {n} operators, 4 branches, "
                  f"{seeds} networks of each kind, limits {'near infeasibility' if tightness < 0.1 else 'tight'}:")
            for kind in cases:
                row(kind, n, cases[kind], directory)


main()
