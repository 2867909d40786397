"""kerf simulate: every bundled scenario, its faces, its errors, and how it stops."""
import csv
import glob
import io
import json
import os
import signal
import subprocess
import tempfile
import time

import tap
from tap import check, fails, kerf

BUNDLED = {"KERF_PATH": ""}
SCENARIOS = sorted(os.path.basename(path)[:-5] for path in glob.glob("configs/scenarios/*.json"))
FULL = os.environ.get("KERF_TEST_FULL") == "1"


def simulate(*arguments):
    return kerf("simulate", *arguments, env=BUNDLED)


def short(name):
    """Options under which a bundled scenario takes a fraction of a second."""
    with open("configs/scenarios/%s.json" % name) as file:
        warmup = json.load(file).get("warmup", "0 s").split()
    return ["--replications", "2", "--duration", "%d s" % (10 + int(warmup[0]))]


check("at least eight scenarios are bundled", len(SCENARIOS) >= 8, SCENARIOS)

try:
    import jsonschema
    with open("configs/schema/simulation.json") as file:
        validator = jsonschema.Draft7Validator(json.load(file))
    with open("configs/schema/scenario.json") as file:
        scenario_schema = jsonschema.Draft7Validator(json.load(file))
except ImportError:
    validator = scenario_schema = None

documents = {}
for name in SCENARIOS:
    status, out, err = simulate(name, "--json", *([] if FULL and name != "battery-day" else short(name)))
    check(name + " runs", status == 0 and err == "", err)
    documents[name] = document = json.loads(out)
    if validator:
        problems = ["/".join(map(str, e.absolute_path)) + ": " + e.message for e in validator.iter_errors(document)]
        check(name + ": the answer fits its schema", not problems, "\n".join(problems[:5]))
    else:
        tap.skip(name + ": the answer fits its schema", "python3-jsonschema is not installed")
    groups = [g for p in document["policies"] for g in p["groups"]]
    lost = [g for g in groups if g["inferences"]["arrived"] !=
            sum(g["inferences"][k] for k in ("done", "missed", "dropped"))]
    check(name + ": every inference ends once", not lost, lost)
    off = [g for g in groups if g["device_energy_J"] and
           abs(sum(e["mean"] for e in g["energy"].values()) - g["device_energy_J"]["mean"]) > 1e-9]
    check(name + ": parts of the energy add up", not off, off)

for name in ("mixed-fleet", "server-crash"):
    answers = {simulate(name, "--json", "--threads", str(n), *short(name))[1] for n in (1, 2, 4)}
    check(name + ": the same bytes on 1, 2 and 4 threads", len(answers) == 1)
again = simulate("mixed-fleet", "--json", "--seed", "77", *short("mixed-fleet"))[1]
check("another seed gives other figures", json.loads(again)["policies"] != documents["mixed-fleet"]["policies"])

# The faces.
status, out, err = simulate("one-board-wifi", "--policy", "static", "--policy", "fixed:1")
check("a table", status == 0 and err == "" and "fixed:1" in out and "one-board-wifi" in out and "±" not in out, out)
status, out, err = simulate("one-board-wifi", "--policy", "static", "--csv")
rows = list(csv.DictReader(io.StringIO(out)))
figures = {(r["kind"], r["name"], r["figure"]): r["mean"] for r in rows}
check("comma-separated values", status == 0 and figures[("group", "camera", "arrived")] == "900", out[:300])
answer = json.loads(simulate("one-board-wifi", "--policy", "static", "--json")[1])["policies"][0]["groups"][0]
check("with the figures of the JSON", float(figures[("group", "camera", "energy_J")]) ==
      answer["device_energy_J"]["mean"])
plan = json.loads(kerf("plan", "resnet50", "--input-size", "50 kB", "--json", env=BUNDLED)[1])["cost"]
check("which are those of kerf plan, to the last digit",
      answer["device_energy_J"]["mean"] == plan["device_energy_J"] and
      answer["latency_s"]["mean"] == plan["latency_s"] and
      all(answer["energy"][k]["mean"] == v for k, v in plan["energy"].items()) and
      all(answer["latency"][k]["mean"] == v for k, v in plan["latency"].items()), plan)
status, out, err = simulate("--list-policies")
check("a list of the policies", status == 0 and len(out.splitlines()) >= 7 and "hindsight" in out, out)

# What is wrong.
fails("no scenario", 2, ["simulate"], "SCENARIO is missing", env=BUNDLED)
fails("an unknown scenario", 1, ["simulate", "one-board-wify"], "one-board-wifi", env=BUNDLED)
fails("an unknown policy", 2, ["simulate", "one-board-wifi", "--policy", "best"], "best", "adaptive", env=BUNDLED)
fails("a cut that is none", 2, ["simulate", "one-board-wifi", "--policy", "fixed:nowhere"], "nowhere", env=BUNDLED)
fails("a duration within the warm-up", 2, ["simulate", "mixed-fleet", "--duration", "1 s"], "warm-up", env=BUNDLED)
fails("a seed that is none", 2, ["simulate", "one-board-wifi", "--seed", "-1"], "--seed", env=BUNDLED)
with tempfile.TemporaryDirectory() as folder:
    with open("configs/scenarios/one-board-wifi.json") as file:
        scenario = json.load(file)
    path = os.path.join(folder, "s.json")

    def write(change):
        changed = json.loads(json.dumps(scenario))
        change(changed)
        with open(path, "w") as out_file:
            json.dump(changed, out_file)
        return changed

    def break_arrivals(s):
        s["groups"][0]["arrivals"]["period"] = "2"
    broken = write(break_arrivals)
    fails("a wrong value", 1, ["simulate", path], path, "/groups/0/arrivals/period", env=BUNDLED)
    if scenario_schema:
        check("which the schema refuses too", not scenario_schema.is_valid(broken))

    # A trace and timestamps beside the scenario.
    with open(os.path.join(folder, "up.trace"), "w") as file:
        file.write("0 1\n5 20\n")
    with open(os.path.join(folder, "when.txt"), "w") as file:
        file.write("".join("%d\n" % t for t in range(0, 600, 6)))

    def use_files(s):
        s["links"]["wifi"]["uplink_trace"] = "up.trace"
        s["groups"][0]["arrivals"] = {"kind": "timestamps", "file": "when.txt"}
    write(use_files)
    status, out, err = simulate(path, "--policy", "all-server", "--json")
    got = json.loads(out)["policies"][0]["groups"][0] if status == 0 else None
    check("files beside the scenario", status == 0 and got["inferences"]["arrived"] == 300, err)

    # Ctrl-C: what there is, marked.
    def endless(s):
        s["duration"] = "1e8 s"
    write(endless)
    process = subprocess.Popen([tap.KERF, "simulate", path, "--json", "--policy", "static", "--replications", "1"],
                               env=dict(tap.ENV, **BUNDLED), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # It is under way once it has used processor time; then a signal is on time.
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with open("/proc/%d/stat" % process.pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        if int(fields[11]) + int(fields[12]) >= 30 or process.poll() is not None:
            break
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    document = json.loads(out) if out else {}
    check("interrupted, it says so", process.returncode == 4 and "partial" in err, err)
    check("and prints what there is", document.get("partial") is True and
          document["policies"][0]["groups"][0]["inferences"]["arrived"] > 0, out[:300])
tap.done()
