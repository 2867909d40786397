"""Plans under uncertainty, and how far figures may be off: --uncertainty, --rate-trace, --sensitivity."""
import json
import os
import tempfile

import tap
from tap import DATA, check, close, fails, golden, kerf, plan

CHAIN = ("chain", "--device", "board", "--server", "box", "--link", "plain", "--input-size", "20 kB")
SPEC = ("--uncertainty", "rate=40%,server=20%,conv=15%")

try:
    import jsonschema
    with open("configs/schema/plan.json") as file:
        PLAN = json.load(file)
    with open("configs/schema/uncertainty.json") as file:
        FILES = json.load(file)
except ImportError:
    jsonschema = None


def problems(document, schema):
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [e.message[:200] for e in validator.iter_errors(document)]


def fits(name, document, schema):
    if not jsonschema:
        tap.skip(name, "python3-jsonschema is not installed")
        return
    check(name, not problems(document, schema), problems(document, schema))


# --- scenarios ---------------------------------------------------------------------------------------
golden("plan-uncertain.txt", kerf("plan", *CHAIN, *SPEC, "--deadline", "80 ms")[1])
golden("plan-regret.txt", kerf("plan", *CHAIN, *SPEC, "--objective", "minimax-regret:latency")[1])
golden("plan-sensitivity.txt", kerf("plan", *CHAIN, "--sensitivity")[1])

nominal = plan(*CHAIN, *SPEC)
fits("a plan under uncertainty fits the schema", nominal, PLAN)
plain = plan(*CHAIN)
check("without another objective the plan stays as it is", nominal["cut_id"] == plain["cut_id"] and
      nominal["objective"] == plain["objective"])
check("the same seed draws the same", plan(*CHAIN, *SPEC)["robust"] == nominal["robust"])
check("another seed does not", plan(*CHAIN, *SPEC, "--seed", "1")["robust"] != nominal["robust"])
few = plan(*CHAIN, *SPEC, "--samples", "7")["robust"]
check("as many scenarios as asked for", few["scenarios"] == 7 and nominal["robust"]["scenarios"] == 2000)

for name in ("expected", "minimax-regret", "chance:0.9", "cantelli:0.6"):
    for base in ("energy", "latency", "throughput", "edp", "total-energy", "weighted:energy=1,latency=2"):
        got = plan(*CHAIN, *SPEC, "--objective", name + ":" + base, "--deadline", "0.5 s", "--samples", "100")
        fits("%s:%s fits the schema" % (name, base), got, PLAN)
        mine = got["robust"]["plan"]
        value = mine["regret_max"] if name == "minimax-regret" else mine["expected"]
        check("%s:%s: the value is the plan's" % (name, base), close(got["objective"]["value"], value, 1e-9) or
              abs(value) < 1e-12, (got["objective"], mine))
        rivals = [got["robust"][k] for k in ("nominal", "expected", "minimax_regret")]
        key = "regret_max" if name == "minimax-regret" else "expected"
        if ":0" not in name:
            check("%s:%s: none of the others has less" % (name, base),
                  all(value <= r[key] + 1e-12 for r in rivals), (mine, rivals))
        else:
            limit = 1 - float(name.split(":")[1])
            miss = mine["deadline_missed"]["cantelli_bound" if "cantelli" in name else "probability"]
            check("%s:%s: the deadline is kept as often" % (name, base), miss <= limit + 1e-12, miss)
check("energy is what an objective is about if nothing is said",
      plan(*CHAIN, *SPEC, "--objective", "expected")["objective"]["name"] == "expected:energy")

# --- files and traces --------------------------------------------------------------------------------
with tempfile.TemporaryDirectory() as folder:
    def write(name, text):
        path = os.path.join(folder, name)
        with open(path, "w") as out:
            out.write(text if isinstance(text, str) else json.dumps(text))
        return path

    said = {"format": "kerf-uncertainty/1", "spreads": [
        {"what": "rate", "relative": 0.4}, {"what": "server", "relative": 0.2},
        {"what": "conv", "relative": 0.15, "notes": "by ear"}]}
    fits("the file fits its schema", said, FILES)
    by_file = plan(*CHAIN, "--uncertainty", write("said.json", said))
    check("a file says what a text says", by_file["robust"] == nominal["robust"])

    # Half of the time 2 Mbit/s, half of it 20 Mbit/s.
    trace = write("rate.txt", "".join("%d %d\n" % (i, 2 if i % 2 else 20) for i in range(10)))
    got = plan(*CHAIN, "--objective", "latency", "--rate-trace", trace)["robust"]["all_server"]
    ends = [plan(*CHAIN, "--objective", "latency", "--uplink", "%d Mbit/s" % r)["compare"]["all_server"]["latency_s"]
            for r in (2, 20)]
    check("a trace: the worst is its lowest rate", close(got["worst"], ends[0]), (got, ends))
    check("a trace: the mean is that of its rates",
          abs(got["expected"] - sum(ends) / 2) < 5 * got["standard_error"], (got, ends))
    named = {"format": "kerf-uncertainty/1", "spreads": [{"what": "uplink", "trace": "rate.txt"}]}
    fits("a file with a trace fits its schema", named, FILES)
    by_file = plan(*CHAIN, "--objective", "latency", "--uncertainty", write("named.json", named))["robust"]
    check("a file may name a trace beside it", close(by_file["all_server"]["worst"], ends[0]))

    bad = {
        "nothing": {"format": "kerf-uncertainty/1"},
        "no name": {"format": "kerf-uncertainty/1", "spreads": [{"relative": 0.1}]},
        "two ways": {"format": "kerf-uncertainty/1",
                     "spreads": [{"what": "rate", "relative": 0.1, "interval": ["1 Mbit/s", "2 Mbit/s"]}]},
        "no way": {"format": "kerf-uncertainty/1", "spreads": [{"what": "rate"}]},
        "a misspelling": {"format": "kerf-uncertainty/1", "spreads": [{"what": "rate", "relativ": 0.1}]},
        "below 0": {"format": "kerf-uncertainty/1", "spreads": [{"what": "rate", "relative": -0.1}]},
        "three ends": {"format": "kerf-uncertainty/1", "spreads": [{"what": "server", "interval": [1, 2, 3]}]},
    }
    for name, document in bad.items():
        path = write("bad.json", document)
        fails("a file with " + name, 1, ("plan", *CHAIN, "--uncertainty", path), "bad.json")
        if jsonschema:
            check("the schema refuses " + name, problems(document, FILES) != [])
    for name, document in {
            "an unknown thing": {"format": "kerf-uncertainty/1", "spreads": [{"what": "weather", "relative": 0.1}]},
            "no unit": {"format": "kerf-uncertainty/1", "spreads": [{"what": "rate", "interval": ["5", "6"]}]},
            "a trace of the RTT": {"format": "kerf-uncertainty/1", "spreads": [{"what": "rtt", "trace": "rate.txt"}]},
            "a trace that is none": {"format": "kerf-uncertainty/1", "spreads": [{"what": "uplink", "trace": "no"}]},
    }.items():
        fails("a file with " + name, 1, ("plan", *CHAIN, "--uncertainty", write("bad.json", document)), "/spreads/0")
    fails("a trace that is not there", 1, ("plan", *CHAIN, "--rate-trace", folder + "/none"), "none")
    fails("a trace without a rate", 1, ("plan", *CHAIN, "--rate-trace", write("bad.txt", "0 0\n1 0\n")), "bad.txt")

# --- intervals ---------------------------------------------------------------------------------------
got = plan(*CHAIN, "--uncertainty", "rate=5..20 Mbit/s,rtt=1ms..30 ms,load=0..0.5,server=50%..200%")["robust"]
check("intervals in SI units", [s["interval"] for s in got["uncertainty"]] ==
      [[5e6, 20e6], [0.001, 0.03], [0, 0.5], [0.5, 2]], got["uncertainty"])

# --- wrong usage -------------------------------------------------------------------------------------
for spec, text in (("", "expected"), ("conv", "conv"), ("conv=", "conv"), ("weather=10%", "weather"),
                   ("rate=5..20", "rate"), ("rate=20..5 Mbit/s", "rate"), ("load=10%", "load"),
                   ("load=0..1", "load"), ("conv=-10%", "conv"), ("conv=2000%", "conv"),
                   ("profile", "board"), ("rate=0..5 Mbit/s", "rate"), ("conv=10%,,fc=5%", "profile or"),
                   ("energy/per_mac/nothing=5%", "nothing"), ("conv=a..b", "conv")):
    fails("--uncertainty '%s'" % spec, 2 if spec else 2, ("plan", *CHAIN, "--uncertainty", spec), text)
for objective in ("chance", "chance:1", "chance:0:energy", "chance:x", "minimax-regret:", "minimax-regret:beauty",
                  "expected:expected", "minimax-regrets"):
    fails("--objective " + objective, 2, ("plan", *CHAIN, *SPEC, "--objective", objective), "--objective")
fails("a probability without a deadline", 2, ("plan", *CHAIN, *SPEC, "--objective", "chance:0.9"), "deadline")
fails("nothing said of what is uncertain", 2, ("plan", *CHAIN, "--objective", "minimax-regret"), "--uncertainty")
fails("too many scenarios", 2, ("plan", *CHAIN, *SPEC, "--samples", "1000001"), "1000000")
fails("a chance that nothing has", 3, ("plan", *CHAIN, *SPEC, "--objective", "chance:0.9", "--deadline", "1 ms"),
      "0.9", "1 ms")
for command in ("map", "split"):
    fails("%s knows no scenarios" % command, 2, (command, *CHAIN, "--objective", "expected"), "kerf plan")
for option in (("--pareto",), ("--cloud", "box")):
    fails("%s knows none either" % option[0], 2, ("plan", *CHAIN, *SPEC, *option), option[0])
status, out, err = kerf("plan", *CHAIN, *SPEC, "--objective", "chance:0.9", "--deadline", "1 ms", "--json")
check("an infeasible chance as JSON", status == 3 and json.loads(out)["status"] == "infeasible")

# --- sensitivity -------------------------------------------------------------------------------------
document = plan(*CHAIN, "--sensitivity")
fits("a plan with all break-evens fits the schema", document, PLAN)
break_even = document["break_even"]
check("rates, RTT and load are there", {"uplink_bps", "downlink_bps", "rtt_s", "server_load", "coefficients",
                                        "closest"} == set(break_even), break_even)
for side, step in (("below", 1 - 1e-3), ("above", 1 + 1e-3)):
    for key, option, unit in (("uplink_bps", "--uplink", "bit/s"), ("downlink_bps", "--downlink", "bit/s"),
                              ("rtt_s", "--rtt", "s"), ("server_load", "--server-load", "")):
        value = break_even[key][side]
        if not value:
            continue
        beyond = plan(*CHAIN, option, "%.12g %s" % (value * step, unit))["cut_id"]
        before = plan(*CHAIN, option, "%.12g %s" % (value / step, unit))["cut_id"]
        check("%s %s: the answer changes there" % (key, side),
              before == document["cut_id"] and beyond != document["cut_id"], (before, beyond))

# 18 branches have 2^18 placements and more: solvers are asked.
blocks = [{"name": "b%d" % i, "type": "Block", "inputs": ["x"], "outputs": ["y%d" % i], "macs": 10 ** 7 * (1 + i % 5),
           "weight_bytes": 1000, "output_shapes": [[1, 4 + i, 16, 16]]} for i in range(18)]
blocks.append({"name": "join", "type": "Block", "inputs": ["y%d" % i for i in range(18)], "outputs": ["z"],
               "macs": 10 ** 8, "weight_bytes": 1000, "output_shapes": [[1, 10]]})
with tempfile.TemporaryDirectory() as folder:
    wide = os.path.join(folder, "wide.json")
    with open(wide, "w") as file:
        json.dump({"format": "kerf-network/1", "name": "wide", "outputs": ["z"], "operators": blocks,
                   "inputs": [{"name": "x", "shape": [1, 3, 64, 64], "type": "float32"}]}, file)
    words = (wide, *CHAIN[1:5], "--link", "plain", "--uplink", "20 Mbit/s")
    document = plan(*words, "--sensitivity")
    fits("break-evens of too many placements to look at fit the schema", document, PLAN)
    changes = [(key, option, unit, side, step) for side, step in (("below", 1 - 1e-3), ("above", 1 + 1e-3))
               for key, option, unit in (("downlink_bps", "--downlink", "bit/s"), ("rtt_s", "--rtt", "s"))
               if document["break_even"][key][side]]
    check("some change the answer", changes and document["break_even"]["coefficients"], document["break_even"])
    for key, option, unit, side, step in changes:
        value = document["break_even"][key][side]
        beyond, before = [plan(*words, option, "%.12g %s" % (at, unit))["cut_id"] for at in (value * step, value / step)]
        check("%s %s: the answer changes there too" % (key, side),
              before == document["cut_id"] and beyond != document["cut_id"], (before, beyond))
    status, out, err = kerf("plan", *words, "--sensitivity", "--objective", "edp", "--time-limit", "50 ms", "--json")
    document = json.loads(out)
    fits("what the time limit leaves fits the schema", document, PLAN)
    check("and says what it left out", status == 0 or (status == 4 and "sensitivity" in document["left_out"]),
          (status, err))
fails("--sensitivity is of a plan as stated", 2, ("plan", *CHAIN, *SPEC, "--sensitivity", "--objective", "expected"),
      "--sensitivity")
tap.done()
