"""kerf simulate --step: figures over time, against the totals and the scenario's own traces."""
import csv
import json
import os
import tempfile

from tap import check, done, fails, kerf, skip

BUNDLED = {"KERF_PATH": ""}


def simulate(*arguments):
    return kerf("simulate", *arguments, env=BUNDLED)


def near(a, b, tolerance=1e-9):
    return abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-300)


with open("configs/scenarios/mixed-fleet.json") as file:
    POINTS = json.load(file)["links"]["mobile"]["uplink_trace"]["points"]
SHORT = ["--duration", "111 s", "--replications", "2"]
status, out, err = simulate("mixed-fleet", "--json", "--step", "3 s", *SHORT)
check("figures over time", status == 0 and err == "", err)
document = json.loads(out)
try:
    import jsonschema
    with open("configs/schema/simulation.json") as file:
        problems = list(jsonschema.Draft7Validator(json.load(file)).iter_errors(document))
    check("they fit the schema", not problems, problems[:3])
except ImportError:
    skip("they fit the schema", "python3-jsonschema is not installed")

plain = json.loads(simulate("mixed-fleet", "--json", *SHORT)[1])
for policy in document["policies"]:
    policy["own"] = policy.pop("series")
bare = json.loads(json.dumps(document))
for policy in bare["policies"]:
    del policy["own"]
check("nothing else depends on them", bare == plain)

# All that is counted after the warm-up (15 s, a whole number of steps), against one replication.
one = json.loads(simulate("mixed-fleet", "--json", "--step", "3 s", "--duration", "111 s", "--replications", "1")[1])
for policy in one["policies"]:
    series, name = policy["series"], policy["policy"]
    check(name + ": of the first replication",
          series == next(p["own"] for p in document["policies"] if p["policy"] == name))
    for group, over in zip(policy["groups"], series["groups"]):
        what = "%s, %s: " % (name, group["group"])
        check(what + "37 steps", series["steps"] == 37 and all(len(v) == 37 for k, v in over.items() if k != "group"))
        ended = sum(over["ended"][5:])
        counts = group["inferences"]
        check(what + "as many as in all", ended == counts["done"] + counts["missed"] and
              sum(over["dropped"][5:]) == counts["dropped"] and sum(over["offloaded"][5:]) == counts["offloaded"])
        for key, total in (("energy_J", "device_energy_J"), ("latency_s", "latency_s")):
            mean = sum(v * n for v, n in zip(over[key][5:], over["ended"][5:]) if n) / ended
            check(what + "the mean of " + key, near(mean, group[total]["mean"]), (mean, group[total]["mean"]))
    for server, over in zip(policy["servers"], series["servers"]):
        for key in ("utilisation", "jobs"):
            mean = sum(over[key][5:]) / 32
            check("%s, %s: the mean of %s" % (name, server["server"], key), near(mean, server[key]["mean"]),
                  (mean, server[key]["mean"]))
    for kind in ("links", "access_points"):
        for link, over in zip(policy[kind], series[kind]):
            for way in ("uplink", "downlink"):
                # A transfer that ends after the duration is in no step, and not counted either.
                carried = sum(over[way]["carried_bps"][5:]) * 3 / 8
                total = link[way]["bytes"]["mean"]
                check("%s, %s: bytes of the %s" % (name, link[kind[:-1] if kind == "links" else "access_point"], way),
                      near(carried, total), (carried, total))

# The rate is that of the trace; wherever the first board's begins, a period has the trace's mean.
mobile = next(l for l in one["policies"][0]["series"]["links"] if l["link"] == "mobile")["uplink"]["rate_bps"]
rates = [float(rate.split()[0]) * 1e6 for _, rate in POINTS]
with open("configs/links/5g-low.json") as file:
    loss = json.load(file).get("loss", 0)
check("the rate over a period has the trace's mean", loss != 0 or near(sum(mobile[:16]) / 16, sum(rates) / 8),
      (sum(mobile[:16]) / 16, sum(rates) / 8))
check("and recurs", all(near(a, b, 1e-6) for a, b in zip(mobile[:16], mobile[16:32])), mobile)

with open("configs/scenarios/bus-outages.json") as file:
    scenario = json.load(file)
del scenario["links"]["bus"]["uplink_trace"]
scenario["faults"] = [{"link": "bus", "times": [["12 s", "18 s"]]}]
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "outage.json")
    with open(path, "w") as file:
        json.dump(scenario, file)
    status, out, err = simulate(path, "--json", "--step", "4 s", "--duration", "40 s", "--policy", "static")
    rate = json.loads(out)["policies"][0]["series"]["links"][0]["uplink"]["rate_bps"] if out else []
    check("an outage carries nothing", rate and rate[3] == 0 and near(rate[4], rate[0] / 2) and rate[5] == rate[0],
          err or rate)

answers = {simulate("server-crash", "--json", "--step", "5 s", "--duration", "60 s", "--threads", str(n))[1]
           for n in (1, 2, 4)}
check("the same bytes on 1, 2 and 4 threads", len(answers) == 1)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "series.csv")
    status, out, err = simulate("one-board-wifi", "--series", path, "--policy", "static", "--step", "10 s", "--json")
    series = json.loads(out)["policies"][0]["series"]
    with open(path) as file:
        rows = list(csv.DictReader(file))
    energy = [float(r["value"]) for r in rows if r["kind"] == "group" and r["figure"] == "energy_J"]
    check("a file of comma-separated values", status == 0 and energy == series["groups"][0]["energy_J"], rows[:3])
    rate = [float(r["value"]) for r in rows if r["kind"] == "link" and r["figure"] == "uplink_rate_bps"]
    check("with the rates of links", rate == series["links"][0]["uplink"]["rate_bps"])
    check("and times", [float(r["time_s"]) for r in rows if r["figure"] == "jobs"] ==
          [10.0 * k for k in range(series["steps"])])
    status, out, err = simulate("one-board-wifi", "--series", path, "--policy", "static")
    with open(path) as file:
        times = {r["time_s"] for r in csv.DictReader(file)}
    check("240 steps unless one is given, replacing the file", status == 0 and len(times) == 240, len(times))
    fails("a folder that is not there", 1,
          ["simulate", "one-board-wifi", "--series", os.path.join(folder, "no", "series.csv")], "no/series.csv",
          env=BUNDLED)
fails("a step too short", 2, ["simulate", "one-board-wifi", "--step", "1 us", "--policy", "static"], "longer",
      env=BUNDLED)
fails("no step at all", 2, ["simulate", "one-board-wifi", "--step", "0 s"], "--step", env=BUNDLED)
done()
