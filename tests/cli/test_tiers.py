"""kerf plan --cloud: three tiers."""
import csv
import io
import json
import tempfile

import jsonschema

import tap
from tap import check, close, fails, golden, kerf, plan

# The board, a slow server near it, the same server as the cloud, faster links.
TIERS = ("--device", "board", "--server", "box", "--link", "plain", "--cloud", "box", "--cloud-link", "plain")
with open("configs/schema/tiers.json") as file:
    SCHEMA = jsonschema.Draft202012Validator(json.load(file)) if hasattr(
        jsonschema, "Draft202012Validator") else jsonschema.Draft7Validator(json.load(file))

golden("tiers-diamond.txt", kerf("plan", "diamond", *TIERS, "--pin", "stem=device", "--pin", "right=server",
                                 "--pin", "join=cloud")[1])
QUESTIONS = {
    "default": ("diamond", *TIERS),
    "all in the cloud": ("chain", *TIERS, "--pin", "conv1=cloud"),
    "one tier each": ("diamond", *TIERS, "--pin", "stem=device", "--pin", "right=server", "--pin", "join=cloud"),
    "the device alone": ("chain", *TIERS, "--uplink", "1 kbit/s"),
    "the result at the server": ("chain", *TIERS, "--pin", "conv1=cloud", "--result", "server"),
    "the result in the cloud": ("chain", *TIERS, "--result", "cloud"),
    "a deadline": ("diamond", *TIERS, "--deadline", "100 ms"),
    "throughput": ("diamond", *TIERS, "--objective", "throughput"),
    "total energy": ("diamond", *TIERS, "--objective", "total-energy"),
    "any mode, loaded": ("chain", *TIERS, "--power-mode", "any", "--server-load", "0.5", "--cloud-load", "0.25"),
    "any wire": ("chain", *TIERS, "--wire", "any", "--power-mode", "any"),
}
for name, question in QUESTIONS.items():
    answer = plan(*question)
    errors = [e.message for e in SCHEMA.iter_errors(answer)]
    check("%s: as the schema says" % name, not errors, errors)
    cost, cut = answer["cost"], answer["cut"]
    check("%s: energy's parts add up" % name, close(sum(cost["energy"].values()), cost["device_energy_J"]), cost)
    check("%s: latency's parts add up" % name, close(sum(cost["latency"].values()), cost["latency_s"]), cost)
    run = cut["device_operators"] + cut["server_operators"] + cut["cloud_operators"]
    check("%s: every operator is on one tier" % name, len(run) == len(set(run)) == answer["network"]["operators"])
    check("%s: the bytes of both cuts" % name,
          close(cut["wire_bytes"], cost["uplink_bytes"]) and
          close(answer["cut2"]["wire_bytes"], cost["cloud_uplink_bytes"]), cost)
    check("%s: proven" % name, answer["status"] == "optimal" and answer["proof"]["gap"] <= 1e-9)
for name in ("energy", "latency", "edp", "total-energy", "weighted:energy=1,latency=3"):
    values = [plan("diamond", *TIERS, "--objective", name, "--solver", s)["objective"]["value"]
              for s in ("exhaustive", "mincut", "milp", "auto")]
    check("solvers agree on " + name, all(close(v, values[0], 2e-9) for v in values), values)

# --- hand-worked: the stem on the device, the wide branch at the server, the rest in the cloud --------------
answer = plan(*QUESTIONS["one tier each"])
check("who runs where", answer["cut"]["device_operators"][0] == "stem" and
      "right" in answer["cut"]["server_operators"] and answer["cut"]["cloud_operators"][-1] == "join", answer["cut"])
names = [[t["name"] for t in answer[c]["tensors"]] for c in ("cut", "cut2")]
check("what crosses", names[0][0] == "s" and "r" in names[1], names)
up = answer["cost"]["uplink_bytes"] * 8 / 20e6 + 5e-3
check("the first uplink: bytes over the rate, and half an RTT", close(answer["cost"]["latency"]["uplink_s"], up))
up2 = answer["cost"]["cloud_uplink_bytes"] * 8 / 20e6 + 5e-3
check("the second uplink as well", close(answer["cost"]["latency"]["cloud_uplink_s"], up2))
check("the result comes back over both links",
      close(answer["cost"]["latency"]["cloud_downlink_s"], 40 * 8 / 40e6 + 5e-3) and
      close(answer["cost"]["latency"]["downlink_s"], 40 * 8 / 40e6 + 5e-3), answer["cost"])
answer = plan(*QUESTIONS["the result in the cloud"], "--objective", "latency")
check("nothing comes back to the cloud", answer["cost"]["latency"]["downlink_s"] == 0 ==
      answer["cost"]["latency"]["cloud_downlink_s"])

answer = plan(*QUESTIONS["any wire"])
each = [plan("chain", *TIERS, "--wire", w, "--power-mode", m)["objective"]["value"]
        for w in ("float32", "float16", "int8") for m in ("full", "eco")]
check("any wire and any mode: the best of each", close(answer["objective"]["value"], min(each), 2e-9) and
      answer["encoding"] in ("float32", "float16", "int8"), (answer["objective"], each))

# --- two tiers are a special case ------------------------------------------------------------------------------
with tempfile.NamedTemporaryFile("w", suffix=".json") as slow:
    with open(tap.DATA + "/links/plain.json") as link:
        text = json.load(link)
    text.update(name="slow", uplink="1 kbit/s", downlink="1 kbit/s")
    json.dump(text, slow)
    slow.flush()
    for objective in ("energy", "latency", "throughput", "edp"):
        two = plan("diamond", *TIERS[:6], "--objective", objective)
        three = plan("diamond", *TIERS[:8], "--cloud-link", slow.name, "--objective", objective)
        check("a cloud out of reach changes nothing: " + objective,
              close(two["objective"]["value"], three["objective"]["value"]) and
              two["cut"]["device_operators"] == three["cut"]["device_operators"] and
              three["cut"]["cloud_operators"] == [])

# --- other faces, and refusals -----------------------------------------------------------------------------------
rows = list(csv.DictReader(io.StringIO(kerf("plan", "diamond", *TIERS, "--csv")[1])))
check("csv: the plan and the extremes", [r["option"] for r in rows] == ["plan", "all_device", "all_server", "all_cloud"])
check("csv: as json", close(float(rows[0]["latency_s"]), plan("diamond", *TIERS)["cost"]["latency_s"]))
status, out, err = kerf("plan", "diamond", *TIERS, "--deadline", "1 us", "--json")
answer = json.loads(out)
check("infeasible: status 3 and why", status == 3 and answer["status"] == "infeasible" and
      "deadline 1 us" in answer["message"] and not list(SCHEMA.iter_errors(answer)), out + err)
fails("a pin to a cloud that is not there", 2, ["plan", "chain", *TIERS[:6], "--pin", "conv1=cloud"], "--cloud")
fails("a result for a cloud that is not there", 2, ["plan", "chain", *TIERS[:6], "--result", "cloud"], "--cloud")
fails("an unknown cloud", 1, ["plan", "chain", *TIERS[:6], "--cloud", "none-such"], "none-such", "box")
fails("an unknown cloud link", 1, ["plan", "chain", *TIERS[:8], "--cloud-link", "none-such"], "none-such", "plain")
fails("pins against the data's way", 3, ["plan", "chain", *TIERS, "--pin", "conv1=cloud", "--pin", "head=server"], "head")
fails("no picture", 2, ["plan", "chain", *TIERS, "--plot", "x.svg"], "--plot", "--cloud")
fails("no list of cuts", 2, ["plan", "chain", *TIERS, "--top", "3"], "--top", "--cloud")
fails("a load of 1", 2, ["plan", "chain", *TIERS, "--cloud-load", "1"], "cloud load")
tap.done()
