"""kerf map: regions against kerf plan, faces, saved maps, options."""
import csv
import io
import json
import os
import shutil
import tempfile

import jsonschema

import tap
from tap import check, close, fails, golden, kerf, plan

SCENE = ("--device", "board", "--server", "box", "--link", "plain")
CHAIN = ("chain", *SCENE)


def validator(name):
    with open("configs/schema/%s.json" % name) as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema) if hasattr(jsonschema, "Draft202012Validator") else None
    return getattr(jsonschema, "Draft202012Validator", jsonschema.Draft7Validator)(schema)


PRINTED, SAVED = validator("regions"), validator("map")


def problems(schema, document):
    return "\n".join("/".join(map(str, e.absolute_path)) + ": " + e.message[:200]
                     for e in schema.iter_errors(document))


def kerf_map(*arguments):
    status, out, err = kerf("map", *arguments, "--json")
    if status != 0:
        raise AssertionError("kerf map %s: status %d: %s" % (arguments, status, err))
    return json.loads(out)


# --- the faces ------------------------------------------------------------------------------------
golden("map-chain.txt", kerf("map", *CHAIN)[1])
golden("map-chain-box.txt", kerf("map", *CHAIN, "--rtts", "0..100ms", "--loads", "0..0.9", "--power-mode", "any",
                                 "--objective", "latency", "--rtt", "10 ms")[1])

# --- regions against plans --------------------------------------------------------------------------
QUESTIONS = {
    "energy": CHAIN,
    "latency, cold": (*CHAIN, "--objective", "latency", "--connection", "cold"),
    "throughput": (*CHAIN, "--objective", "throughput"),
    "edp, any mode": (*CHAIN, "--objective", "edp", "--power-mode", "any"),
    "deadline": (*CHAIN, "--deadline", "40 ms"),
    "branches": ("diamond", *SCENE, "--objective", "latency"),
    "lossy": (*CHAIN, "--loss", "1 %", "--objective", "weighted:energy=1,latency=5"),
}
for name, question in QUESTIONS.items():
    answer = kerf_map(*question)
    check("%s: fits the schema" % name, PRINTED.is_valid(answer), problems(PRINTED, answer))
    regions = answer["regions"]
    ends = [r["uplink_bps"] for r in regions]
    check("%s: the regions are contiguous and cover the range" % name,
          ends[0][0] == 1e5 and ends[-1][1] == 1e9 and all(a[1] == b[0] for a, b in zip(ends, ends[1:])), ends)
    for region in regions:
        low, high = region["uplink_bps"]
        for rate in (low * (1 + 1e-6), (low * high) ** 0.5, high * (1 - 1e-6)):
            asked = (*question, "--uplink", "%.17g bit/s" % rate)
            if region["candidate"] is None:
                check("%s: %g bit/s has no answer" % (name, rate), kerf("plan", *asked)[0] == 3)
                continue
            fresh = plan(*asked)
            same = fresh["cut_id"] == region["cut_id"]
            check("%s: %g bit/s: the cut of a fresh plan" % (name, rate),
                  same and fresh["cut"] == region["cut"], "%s, %s" % (fresh["cut"], region["cut"]))
    first = plan(*question, "--uplink", "%.17g bit/s" % ends[-1][1])["cost"]
    last = regions[-1]["cost_at_hi"]
    check("%s: the cost at the end is the plan's" % name,
          all(close(first[k], last[k]) for k in ("device_energy_J", "latency_s", "throughput_per_s")), last)

# --- other axes -------------------------------------------------------------------------------------
box = kerf_map(*CHAIN, "--objective", "latency", "--rtts", "1ms..50ms", "--loads", "0..0.8", "--rtt", "20 ms",
               "--server-load", "0.5", "--rates", "1 Mbit/s..100 Mbit/s")
check("ranges are taken", box["box"]["rtt_s"] == [0.001, 0.05] and box["box"]["server_load"] == [0, 0.8]
      and box["box"]["uplink_bps"] == [1e6, 1e8], box["box"])
check("and the regions are where they were asked for",
      box["regions_at"]["rtt_s"] == 0.02 and box["regions_at"]["server_load"] == 0.5, box["regions_at"])
for region in box["regions"]:
    middle = (region["uplink_bps"][0] * region["uplink_bps"][1]) ** 0.5
    fresh = plan(*CHAIN, "--objective", "latency", "--rtt", "20 ms", "--server-load", "0.5",
                 "--uplink", "%.17g bit/s" % middle)
    check("%g bit/s, RTT 20 ms, load 0.5" % middle, fresh["cut_id"] == region["cut_id"])

# --- saved maps -------------------------------------------------------------------------------------
with tempfile.TemporaryDirectory() as folder:
    path = folder + "/map.json"
    question = (*CHAIN, "--objective", "latency", "--rtts", "0..100ms")
    printed = kerf("map", *question, "--output", path)[1]
    with open(path) as file:
        saved = json.load(file)
    check("a saved map fits its schema", SAVED.is_valid(saved), problems(SAVED, saved))
    for what, key, value in (("an unknown key", "entires", []), ("no entries", "entries", []),
                             ("another format", "format", "kerf-map/2"), ("a bad result", "result", "both")):
        check("schema: %s does not fit" % what, not SAVED.is_valid(dict(saved, **{key: value})))
    check("a loaded map prints the same table", kerf("map", "--load-map", path)[1] == printed)
    check("and the same JSON", kerf("map", "--load-map", path, "--json")[1] == kerf("map", *question, "--json")[1])
    at = kerf_map("--load-map", path, "--rtt", "50 ms")
    check("at other conditions too", at["regions"] == kerf_map(*question, "--rtt", "50 ms")["regions"])
    again = folder + "/again.json"
    kerf("map", "--load-map", path, "--output", again)
    with open(path, "rb") as a, open(again, "rb") as b:
        check("and is saved the same again", a.read() == b.read())
    fails("outside its box", 2, ("map", "--load-map", path, "--rtt", "1 s"), "outside the map")
    fails("a map knows what it is of", 2, ("map", "--load-map", path, "--device", "board"), "--load-map")
    fails("NETWORK and --load-map", 2, ("map", "chain", "--load-map", path), "--load-map")
    with open(path, "w") as file:
        file.write("{}")
    fails("no map", 1, ("map", "--load-map", path), path, "format")
    fails("a folder that is not there", 1, ("map", *CHAIN, "--output", folder + "/no/map.json"), "/no/map.json")
    if shutil.which("gnuplot"):
        for name, extra in (("rate", ()), ("plane", ("--rtts", "0..100ms")), ("load", ("--loads", "0..0.9")),
                            ("none", ("--deadline", "40 ms"))):
            picture = "%s/%s.svg" % (folder, name)
            status, out, err = kerf("map", *CHAIN, "--objective", "latency", *extra, "--plot", picture)
            with open(picture) if os.path.exists(picture) else io.StringIO() as file:
                drawn = file.read()
            check("%s is drawn" % name, status == 0 and "</svg>" in drawn and "on the device" in drawn, err)
    else:
        tap.skip("plots", "gnuplot is not installed")

# --- comma-separated values -----------------------------------------------------------------------------
rows = list(csv.DictReader(io.StringIO(kerf("map", *CHAIN, "--deadline", "40 ms", "--csv")[1])))
regions = kerf_map(*CHAIN, "--deadline", "40 ms")["regions"]
check("CSV has a row per region", len(rows) == len(regions), rows)
check("with its ends, candidate and cost", all(
    float(row["from_bps"]) == region["uplink_bps"][0] and float(row["to_bps"]) == region["uplink_bps"][1]
    and row["candidate"] == ("" if region["candidate"] is None else str(region["candidate"]))
    and (region["candidate"] is None or close(float(row["objective_at_hi"]), region["cost_at_hi"]["objective"]))
    for row, region in zip(rows, regions)), rows)

# --- refusals -----------------------------------------------------------------------------------------
fails("no network", 2, ("map",), "NETWORK")
fails("a range upside down", 2, ("map", *CHAIN, "--rates", "2 Mbit/s..1 Mbit/s"), "--rates", "does not fall")
fails("no range", 2, ("map", *CHAIN, "--rates", "2 Mbit/s"), "--rates", "LOW..HIGH")
fails("a range without units", 2, ("map", *CHAIN, "--rates", "1..2"), "--rates", "unit")
fails("a rate of zero", 2, ("map", *CHAIN, "--rates", "0 bit/s..1 Mbit/s"), "--rates", "above zero")
fails("a full server", 2, ("map", *CHAIN, "--loads", "0..1"), "load")
fails("a deadline that nothing keeps", 3, ("map", *CHAIN, "--deadline", "1 us"), "deadline")
fails("an unknown network", 1, ("map", "no-such-net"), "no-such-net")
tap.done()
