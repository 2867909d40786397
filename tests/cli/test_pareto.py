"""kerf plan --pareto: the front, its proofs, its faces."""
import csv
import io
import json
import os
import tempfile

import jsonschema

import tap
from tap import check, close, fails, golden, kerf, plan

SCENE = ("--device", "board", "--server", "box", "--link", "plain")
with open("configs/schema/front.json") as file:
    SCHEMA = jsonschema.Draft202012Validator(json.load(file)) if hasattr(
        jsonschema, "Draft202012Validator") else jsonschema.Draft7Validator(json.load(file))


def front(*arguments):
    status, out, err = kerf("plan", *arguments, "--pareto", "--json")
    if status not in (0, 4):
        raise AssertionError("kerf plan --pareto %s: status %d: %s" % (arguments, status, err))
    return json.loads(out)


def figures(answer):
    return [(p["cost"]["device_energy_J"], p["cost"]["latency_s"]) for p in answer["points"]]


golden("pareto-chain.txt", kerf("plan", "chain", *SCENE, "--power-mode", "any", "--pareto")[1])
QUESTIONS = {
    "chain": ("chain", *SCENE),
    "diamond": ("diamond", *SCENE),
    "any mode": ("chain", *SCENE, "--power-mode", "any"),
    "mobile, any mode": ("chain", *SCENE[:4], "--link", "mobile", "--power-mode", "any"),
    "result at the server": ("diamond", *SCENE, "--result", "server", "--power-mode", "any"),
    "pinned": ("diamond", *SCENE, "--pin", "left=device"),
    "any wire": ("chain", *SCENE, "--wire", "any", "--power-mode", "any"),
}
for name, question in QUESTIONS.items():
    answer = front(*question)
    errors = [e.message for e in SCHEMA.iter_errors(answer)]
    check("%s: as the schema says" % name, not errors, errors)
    points = answer["points"]
    check("%s: complete, all proven" % name, answer["status"] == "complete" and
          all(p["proof"]["proven"] for p in points) and answer["proven"] == len(points))
    values = figures(answer)
    check("%s: each point beats its neighbours in one figure" % name, len(answer["criteria"]) == 3 or
          all(a[0] < b[0] and a[1] > b[1] for a, b in zip(values, values[1:])), values)
    energy = plan(*question, "--objective", "energy")["cost"]["device_energy_J"]
    latency = plan(*question, "--objective", "latency")["cost"]["latency_s"]
    check("%s: the ends are the plans for energy and for latency" % name,
          close(min(v[0] for v in values), energy) and close(min(v[1] for v in values), latency), values)
    for p in points:
        if p["supported"]:
            weights = "weighted:energy=%.17g,latency=%.17g" % (max(p["supported"]["energy"], 1e-9),
                                                               max(p["supported"]["latency"], 1e-9))
            best = plan(*question, "--objective", weights)["objective"]["value"]
            mine = (max(p["supported"]["energy"], 1e-9) * p["cost"]["device_energy_J"] +
                    max(p["supported"]["latency"], 1e-9) * p["cost"]["latency_s"])
            check("%s: least of its weighted sum" % name, len(answer["criteria"]) == 3 or close(best, mine, 1e-8),
                  (best, mine))
    solved = front(*question, "--solver", "milp")
    check("%s: the same by milp" % name, solved["status"] == "complete" and len(solved["points"]) == len(points) and
          all(close(a, b, 1e-7) for x, y in zip(values, figures(solved)) for a, b in zip(x, y)), figures(solved))

# --- limits: the front within them -------------------------------------------------------------------------------
whole = front(*QUESTIONS["any mode"])
values = figures(whole)
check("the board's modes make several points", len(values) >= 2, values)
within = front(*QUESTIONS["any mode"], "--deadline", "%.17g s" % values[1][1])
check("a deadline cuts the slow end off", figures(within) == values[1:], figures(within))
status, out, err = kerf("plan", "chain", *SCENE, "--deadline", "1 us", "--pareto")
check("infeasible: status 3 and why", status == 3 and "deadline 1 us" in err and out == "", out + err)

# --- faces -----------------------------------------------------------------------------------------------------------
rows = list(csv.DictReader(io.StringIO(kerf("plan", *QUESTIONS["any mode"], "--pareto", "--csv")[1])))
check("csv: a row per point", [(float(r["device_energy_J"]), float(r["latency_s"])) for r in rows] == values)
check("csv: as json", [r["cut_id"] for r in rows] == [p["cut_id"] for p in whole["points"]])
with tempfile.TemporaryDirectory() as folder:
    for kind, start in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        path = os.path.join(folder, "front." + kind)
        status = kerf("plan", *QUESTIONS["any mode"], "--pareto", "--plot", path)[0]
        with open(path, "rb") as file:
            content = file.read()
        check("a picture as " + kind, status == 0 and content.startswith(start))
        if kind == "svg":
            text = content.decode()
            check("it marks points, steps and extremes", "front" in text and "all on the device" in text and
                  "all on the server" in text and "latency" in text)

# --- stopped, refused --------------------------------------------------------------------------------------------------
status, out, err = kerf("plan", *QUESTIONS["any mode"], "--pareto", "--json", "--solver", "mincut")
answer = json.loads(out)
check("mincut: supported points only, and it says so", status == 4 and answer["status"] == "truncated" and
      not list(SCHEMA.iter_errors(answer)) and "supported" in err, err)
check("what it has is on the whole front", all(
    any(close(v[0], w[0], 1e-7) and close(v[1], w[1], 1e-7) for w in values)
    for p, v in zip(answer["points"], figures(answer)) if p["proof"]["proven"]))
fails("no list of cuts", 2, ["plan", "chain", *SCENE, "--pareto", "--top", "3"], "--top", "--pareto")
fails("no third tier", 2, ["plan", "chain", *SCENE, "--pareto", "--cloud", "box"], "--cloud", "--pareto")
fails("an unknown mode", 2, ["plan", "chain", *SCENE, "--pareto", "--power-mode", "none-such"], "none-such")
tap.done()
