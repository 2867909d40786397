"""kerf plan: answers, their parts, objectives, constraints, options."""
import csv
import io
import json
import math
import re
import tempfile

import jsonschema

import tap
from tap import check, close, fails, golden, kerf, plan

SCENE = ("--device", "board", "--server", "box", "--link", "plain")
CHAIN = ("chain", *SCENE)
DIAMOND = ("diamond", *SCENE)
with open("configs/schema/plan.json") as file:
    SCHEMA = jsonschema.Draft7Validator(json.load(file))


def without_time(text):
    return re.sub(r'"solve_time_s": [^\n]*', '"solve_time_s": 0', text)


# --- golden outputs -------------------------------------------------------------------------------
golden("plan-chain.txt", kerf("plan", *CHAIN, "--top", "3")[1])
golden("plan-chain-measured.txt", kerf("plan", *CHAIN, "--device-profile", tap.DATA + "/profiles/chain.json",
                                       "--objective", "latency")[1])
golden("plan-chain-groups.txt", kerf("plan", *CHAIN, "--device-profile", tap.DATA + "/profiles/chain-groups.json",
                                     "--uplink", "10 kbit/s", "--top", "3")[1])
golden("plan-chain-all-device.txt", kerf("plan", *CHAIN, "--uplink", "10 kbit/s", "--deadline", "1 min")[1])
golden("plan-chain-all-server.txt", kerf("plan", *CHAIN, "--input-size", "2 kB")[1])
golden("plan-diamond.txt", kerf("plan", *DIAMOND, "--pin", "left=device", "--pin", "right=server")[1])
golden("plan-mobile.txt", kerf("plan", "chain", *SCENE[:4], "--link", "mobile", "--power-mode", "any")[1])
golden("plan-chain.csv", kerf("plan", *CHAIN, "--csv", "--top", "3")[1])


def same(a, b):
    """Equal JSON, numbers to 1e-9."""
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return close(a, b) or abs(a - b) < 1e-12
    return a == b


for name, question in (("plan-chain", (*CHAIN, "--top", "3")),
                       ("plan-diamond", (*DIAMOND, "--pin", "left=device", "--pin", "right=server"))):
    text = without_time(kerf("plan", *question, "--json")[1])
    path = "%s/%s.json" % (tap.GOLDEN, name)
    if tap.os.environ.get("KERF_GOLDEN") == "write":
        with open(path, "w") as file:
            file.write(text)
    with open(path) as file:
        check("as in golden/%s.json" % name, same(json.load(file), json.loads(text)), text)

# --- every answer: schema, parts, proof ----------------------------------------------------------------
QUESTIONS = {
    "default": CHAIN,
    "top": (*CHAIN, "--top", "4"),
    "latency": (*CHAIN, "--objective", "latency"),
    "throughput": (*CHAIN, "--objective", "throughput"),
    "edp": (*CHAIN, "--objective", "edp"),
    "total energy": (*CHAIN, "--objective", "total-energy"),
    "weighted": (*CHAIN, "--objective", "weighted:energy=1,latency=3.5"),
    "weighted, one only": (*CHAIN, "--objective", "weighted:latency=2"),
    "all device": (*CHAIN, "--uplink", "1 kbit/s"),
    "all server": (*CHAIN, "--input-size", "100 B"),
    "result at the server": (*CHAIN, "--result", "server"),
    "int8": (*CHAIN, "--wire", "int8"),
    "mobile": ("chain", *SCENE[:4], "--link", "mobile"),
    "mobile, new": ("chain", *SCENE[:4], "--link", "mobile", "--connection", "new", "--loss", "1"),
    "mobile, often": ("chain", *SCENE[:4], "--link", "mobile", "--gap", "1 s"),
    "diamond": DIAMOND,
    "diamond, deadline": (*DIAMOND, "--deadline", "100 ms"),
    "diamond, pins": (*DIAMOND, "--pin", "left=device", "--pin", "right=server"),
    "eco": (*CHAIN, "--power-mode", "eco"),
    "any mode": (*CHAIN, "--power-mode", "any", "--objective", "latency"),
    "loaded server": (*CHAIN, "--server-load", "50 %"),
    "unsupported operator": ("chain", "--device", "picky", *SCENE[2:]),
}
for name, question in QUESTIONS.items():
    answer = plan(*question)
    errors = [e.message for e in SCHEMA.iter_errors(answer)]
    check("%s: as the schema says" % name, not errors, errors)
    cost = answer["cost"]
    check("%s: energy's parts add up" % name, close(sum(cost["energy"].values()), cost["device_energy_J"]), cost)
    check("%s: latency's parts add up" % name, close(sum(cost["latency"].values()), cost["latency_s"]), cost)
    sides = answer["cut"]["device_operators"] + answer["cut"]["server_operators"]
    check("%s: every operator is on one side" % name,
          len(sides) == len(set(sides)) == answer["network"]["operators"], sides)
    check("%s: bytes of the cut add up" % name,
          sum(t["bytes"] for t in answer["cut"]["tensors"]) == answer["cut"]["bytes"] and
          close(sum(t["wire_bytes"] for t in answer["cut"]["tensors"]), answer["cut"]["wire_bytes"]))
    proof, objective = answer["proof"], answer["objective"]["value"]
    check("%s: proven" % name, answer["status"] == "optimal" and proof["gap"] <= 1e-9 and
          close(proof["bound"], objective, 2e-9), proof)
    for extreme in answer["compare"].values():
        better = (extreme["objective"] > objective * (1 + 1e-9) if name == "throughput"
                  else extreme["objective"] < objective * (1 - 1e-9))
        check("%s: no extreme is better" % name, not (better and extreme["feasible"]), answer["compare"])
    values = [a["objective"] for a in answer["alternatives"]]
    check("%s: alternatives are worse, and in order" % name,
          all(v >= objective * (1 - 1e-9) for v in values) and values == sorted(values), values)

# --- what an objective and a solver must do ---------------------------------------------------------------
for name in ("energy", "latency", "edp", "total-energy", "weighted:energy=1,latency=3"):
    values = [plan(*DIAMOND, "--objective", name, "--solver", s)["objective"]["value"]
              for s in ("exhaustive", "mincut", "milp", "auto")]
    check("solvers agree on " + name, all(close(v, values[0], 2e-9) for v in values), values)
values = [plan(*DIAMOND, "--objective", "throughput", "--solver", s)["objective"]["value"]
          for s in ("exhaustive", "milp", "auto")]
check("solvers agree on throughput", all(close(v, values[0], 2e-9) for v in values), values)
fails("mincut refuses throughput", 2, ["plan", *DIAMOND, "--objective", "throughput", "--solver", "mincut"], "mincut")
fails("mincut refuses a deadline", 2, ["plan", *DIAMOND, "--deadline", "1 s", "--solver", "mincut"], "mincut")

default, latency = plan(*CHAIN), plan(*CHAIN, "--objective", "latency")
check("edp is energy times latency", (lambda a: close(a["objective"]["value"],
      a["cost"]["device_energy_J"] * a["cost"]["latency_s"]))(plan(*CHAIN, "--objective", "edp")))
check("weighted adds up", (lambda a: close(a["objective"]["value"],
      2 * a["cost"]["device_energy_J"] + 3 * a["cost"]["latency_s"]))(
          plan(*CHAIN, "--objective", "weighted:latency=3,energy=2")))
check("total energy is device and server", (lambda a: close(a["objective"]["value"],
      a["cost"]["device_energy_J"] + a["cost"]["server_energy_J"]))(plan(*CHAIN, "--objective", "total-energy")))
check("the extremes are the same whatever is asked",
      close(default["compare"]["all_device"]["latency_s"], latency["compare"]["all_device"]["latency_s"]))

# A figure far beyond the answer's own size must not drown it in rounding.
with tempfile.NamedTemporaryFile("w", suffix=".json") as huge:
    huge.write('{"format": "kerf-profile/1", "network": "chain", "source": "made up",'
               ' "operators": {"conv1": {"latency": "1e9 s", "energy": "1e9 J"}}}')
    huge.flush()
    for name in ("energy", "latency", "edp"):
        answer = plan(*CHAIN, "--device-profile", huge.name, "--objective", name)
        check("optimal beside a huge figure: " + name,
              answer["status"] == "optimal" and "conv1" in answer["cut"]["server_operators"], answer["proof"])

# --- hand-worked: everything on the server over a warm link -------------------------------------------------
answer = plan(*CHAIN, "--pin", "conv1=server")
cost = answer["cost"]
check("uplink time is RTT/2 + bits/rate", close(cost["latency"]["uplink_s"], 0.005 + 49152 * 8 / 20e6), cost)
check("downlink time is RTT/2 + bits/rate", close(cost["latency"]["downlink_s"], 0.005 + 4000 * 8 / 40e6), cost)
check("uplink energy is (slope rate + constant) time, by bits and seconds",
      close(cost["energy"]["uplink_J"], 10e-9 * 49152 * 8 + 0.3 * cost["latency"]["uplink_s"]), cost)
check("waiting is board and radio, idle, until the result",
      close(cost["energy"]["wait_J"], 2.5 * (cost["latency_s"] - cost["latency"]["device_s"])), cost)
check("a pin to the server pins what follows", answer["cut"]["device_operators"] == [], answer["cut"])
check("all-device cannot be had then", answer["compare"]["all_device"]["exists"] is False and
      answer["compare"]["all_device"]["feasible"] is False)
check("picky: MaxPool is not on the device",
      "pool1" not in plan("chain", "--device", "picky", *SCENE[2:])["cut"]["device_operators"])

# --- options change what they say ------------------------------------------------------------------------------
half = plan(*CHAIN, "--pin", "conv1=server", "--server-load", "0.5")
check("a server that is half busy takes twice as long",
      close(half["cost"]["latency"]["server_s"], 2 * cost["latency"]["server_s"]))
for option, value in (("--uplink", "10 Mbit/s"), ("--downlink", "1 Mbit/s"), ("--rtt", "100 ms"), ("--loss", "2 %")):
    other = plan(*CHAIN, "--pin", "conv1=server", option, value)
    check("%s makes it slower" % option, other["cost"]["latency_s"] > cost["latency_s"])
check("cold is slower than warm", plan(*CHAIN, "--pin", "conv1=server", "--connection", "cold")["cost"]["latency_s"]
      > cost["latency_s"])
check("0.5, 0.5% and 0.5 % are one loss", len({plan(*CHAIN, "--pin", "conv1=server", "--loss", text)["cost"]["latency_s"]
      for text in ("0.5", "0.5%", "0.5 %")}) == 1)
sent = plan(*CHAIN, "--input-size", "5 kB", "--pin", "conv1=server")
check("--input-size is what the input takes", sent["cut"]["wire_bytes"] == 5000 and sent["cut"]["bytes"] == 49152)
split = {w: plan(*CHAIN, "--pin", "pool1=device", "--pin", "conv2=server", *w)["cut"]["wire_bytes"]
         for w in ((), ("--wire", "float32"), ("--wire", "float16"), ("--wire", "int8"))}
check("--wire", list(split.values()) == [8192, 8192, 4096, 2048], split)
at_server = plan(*CHAIN, "--result", "server", "--pin", "conv1=server")
check("--result server: nothing comes back", at_server["cost"]["latency"]["downlink_s"] == 0 and
      at_server["result"] == "server")
profile = plan(*CHAIN, "--device-profile", tap.DATA + "/profiles/chain.json", "--uplink", "1 kbit/s")
check("measured operators are counted", profile["measured"] == {"device_operators": 2, "server_operators": 0})
check("measured figures change the cost",
      profile["cost"]["latency_s"] < plan(*CHAIN, "--uplink", "1 kbit/s")["cost"]["latency_s"])
check("--server-profile", plan(*CHAIN, "--server-profile", tap.DATA + "/profiles/chain.json")["measured"]
      == {"device_operators": 0, "server_operators": 2})
modes = {m: plan(*CHAIN, "--objective", "latency", "--power-mode", m) for m in ("full", "eco", "any")}
check("--power-mode any is the best of all", modes["any"]["objective"]["value"] ==
      min(modes["full"]["objective"]["value"], modes["eco"]["objective"]["value"]) and
      modes["any"]["power_mode"] in ("full", "eco"))
check("--top counts the plan", len(plan(*CHAIN, "--top", "3")["alternatives"]) == 2 and
      plan(*CHAIN, "--top", "1")["alternatives"] == [])
shape = plan("open", *SCENE, "--dim", "height=8", "--uplink", "1 Gbit/s", "--pin", "act=server")
check("--dim", shape["cut"]["tensors"][0]["shape"] == [1, 3, 8, 32], shape["cut"])
shape = plan("open", *SCENE, "--input", "x=2x3x4x5", "--pin", "act=server")
check("--input", shape["cut"]["tensors"][0]["shape"] == [2, 3, 4, 5], shape["cut"])
fails("an open shape needs an option", 1, ["plan", "open", *SCENE], "--dim height=")

# --- break-even rates are where the answer changes ---------------------------------------------------------------
for question in (CHAIN, (*CHAIN, "--objective", "latency"), ("chain", *SCENE[:4], "--link", "mobile")):
    answer = plan(*question)
    cut = answer["cut"]["device_operators"]
    for side, inside, outside in (("below", 1.0001, 0.9999), ("above", 0.9999, 1.0001)):
        border = answer["break_even"]["uplink_bps"][side]
        if border is None:
            continue
        there = plan(*question, "--uplink", "%.17g bit/s" % (border * inside))["cut"]["device_operators"]
        beyond = plan(*question, "--uplink", "%.17g bit/s" % (border * outside))["cut"]["device_operators"]
        check("the answer changes at the break-even rate (%s, %s)" % (question[-1], side),
              there == cut and beyond != cut, (cut, there, beyond))

# --- constraints ---------------------------------------------------------------------------------------------------
free = plan(*CHAIN, "--uplink", "1 Mbit/s")
for option, key, number, unit in (("--deadline", "latency_s", 0.9, "s"), ("--max-bytes", "uplink_bytes", 0.9, "B"),
                                  ("--device-memory", "device_memory_bytes", 0.99, "B")):
    limit = free["cost"][key] * number
    if limit <= 0:
        continue
    status, out, err = kerf("plan", *CHAIN, "--uplink", "1 Mbit/s", option, "%.9g %s" % (limit, unit), "--json")
    answer = json.loads(out)
    if status == 0:
        check("%s is kept and named" % option, answer["cost"][key] <= limit * (1 + 1e-9) and
              answer["binding"] == [option[2:]], answer)
    else:
        check("%s cannot be kept, and it says so" % option, status == 3 and option[2:] in answer["message"], out)
several = plan(*CHAIN, "--min-device-operators", "4", "--input-size", "1 kB")
check("--min-device-operators", len(several["cut"]["device_operators"]) >= 4 and
      several["binding"] == ["min-device-operators"], several)

status, out, err = kerf("plan", *CHAIN, "--deadline", "1 ms", "--json")
answer = json.loads(out)
check("infeasible: exit status 3", status == 3, err)
check("infeasible: as the schema says", not list(SCHEMA.iter_errors(answer)) and answer["status"] == "infeasible")
check("infeasible: the message names the limit and by how much", "deadline" in answer["message"] and
      "over" in answer["message"] and answer["message"] in err, err)
fails("infeasible: two limits that clash", 3,
      ["plan", *CHAIN, "--min-device-operators", "4", "--energy-budget", "60 mJ"], "min-device-operators 4",
      "energy-budget 60 mJ", "short")
status, out, err = kerf("plan", *CHAIN, "--power-mode", "any", "--deadline", "1 ms")
check("infeasible: the closest placement of all power modes", status == 3 and
      "closest one, in power mode %s, takes" % modes["any"]["power_mode"] in err, err)
answer = json.loads(kerf("plan", *CHAIN, "--pin", "conv1=server", "--pin", "head=device", "--json")[1])
check("infeasible: clashing pins are named in JSON as well", not list(SCHEMA.iter_errors(answer)) and
      "conv1" in answer["message"] and "head" in answer["message"], answer)
check("infeasible: by how much is a plain number", re.search(r"\([0-9]{4,} % over\)", kerf(
      "plan", *CHAIN, "--deadline", "1 us")[2]) is not None)
fails("pins that clash", 3, ["plan", *CHAIN, "--pin", "conv1=server", "--pin", "head=device"], "conv1", "head")
fails("pins one operator to both sides", 3, ["plan", *CHAIN, "--pin", "head=server", "--pin", "head=device"], "head")
fails("unknown operator", 2, ["plan", *CHAIN, "--pin", "conv9=device"], "no operator 'conv9'")
fails("unknown power mode", 2, ["plan", *CHAIN, "--power-mode", "turbo"], "board has no power mode 'turbo'", "full, eco")
fails("load of 1", 2, ["plan", *CHAIN, "--server-load", "1"], "load")

# --- limits of the search ------------------------------------------------------------------------------------------
def branches(n, length):
    """A network of n parallel branches: (length + 1) ** n placements or so."""
    operators = [{"name": "stem", "type": "Block", "inputs": ["x"], "outputs": ["s"], "macs": 1e6,
                  "weight_bytes": 1000, "output_shapes": [[1, 50000]]}]
    for b in range(n):
        for i in range(length):
            operators.append({"name": "b%d_%d" % (b, i), "type": "Block", "inputs": ["t%d_%d" % (b, i - 1) if i else "s"],
                              "outputs": ["t%d_%d" % (b, i)], "macs": 1e6 * (1 + (7 * b + 3 * i) % 11),
                              "weight_bytes": 1000, "output_shapes": [[1, 1000 + 500 * ((5 * b + 11 * i) % 13)]]})
    operators.append({"name": "join", "type": "Block", "inputs": ["t%d_%d" % (b, length - 1) for b in range(n)],
                      "outputs": ["y"], "macs": 1e6, "weight_bytes": 1000, "output_shapes": [[1, 10]]})
    return {"format": "kerf-network/1", "name": "branches", "operators": operators, "outputs": ["y"],
            "inputs": [{"name": "x", "shape": [1, 100000], "type": "float32"}]}


with tempfile.TemporaryDirectory() as folder:
    path = folder + "/net.json"
    with open(path, "w") as file:
        json.dump(branches(8, 5), file)
    status, out, err = kerf("plan", path, *SCENE, "--solver", "exhaustive", "--time-limit", "1 ms", "--json")
    answer = json.loads(out) if out else {}
    check("stopped at the time limit: exit status 4, a plan and its gap", status == 4 and
          answer["status"] == "feasible" and answer["proof"]["gap"] > 0 and "stopped at the time limit" in err
          and not list(SCHEMA.iter_errors(answer)), (status, out[:1000], err))
    status, out, err = kerf("plan", path, *SCENE, "--solver", "exhaustive", "--time-limit", "1 ms", "--quiet")
    check("the table says so too", status == 4 and "stopped early" in out and err == "", (out, err))
    with open(path, "w") as file:
        json.dump(branches(9, 6), file)
    fails("exhaustive refuses too many placements", 1, ["plan", path, *SCENE, "--solver", "exhaustive"], "placements")

# --- CSV -------------------------------------------------------------------------------------------------------------
rows = list(csv.DictReader(io.StringIO(kerf("plan", *CHAIN, "--csv", "--top", "3")[1])))
answer = plan(*CHAIN, "--top", "3")
check("csv: one row per answer", [r["option"] for r in rows] ==
      ["plan", "all_device", "all_server", "alternative_1", "alternative_2"], rows)
check("csv: the same figures as JSON", float(rows[0]["device_energy_J"]) == answer["cost"]["device_energy_J"] and
      float(rows[3]["latency_s"]) == answer["alternatives"][0]["latency_s"] and
      all(math.isfinite(float(r["objective"])) for r in rows))

# --- the table ---------------------------------------------------------------------------------------------------------
status, out, err = kerf("plan", *CHAIN, "--top", "4")
check("the table fits 100 columns", max(map(len, out.splitlines())) <= 100, out)
check("no blanks at the ends of lines", not re.search(r" +$", out, re.M), out)
check("nothing on stderr", err == "", err)
tap.done()
