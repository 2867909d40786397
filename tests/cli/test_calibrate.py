"""kerf calibrate: its answers, what it refuses, the bundled profiles made again, and the errors that
it must reach on the reference data."""
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import tap
from tap import check, kerf

try:
    import jsonschema
except ImportError:
    jsonschema = None

DATA = "../shared/data/jetson"
FULL = os.environ.get("KERF_TEST_FULL") == "1"
# Coefficients of the table below: times per MAC and byte, per launch, per call; and energies.
PLANTED = {"pointwise": (4e-12, 50e-12), "depthwise": (60e-12, 800e-12)}
BYTE, LAUNCH, CALL = (30e-12, 0.3e-9), (20e-6, 0.1e-3), (0.4e-3, 2e-3)


def layer(cls, c_in, c_out, size):
    macs = c_out * size * size * (9 if cls == "depthwise" else c_in)
    weights = 4 * c_out * (9 if cls == "depthwise" else c_in)
    traffic = 4 * (c_in + c_out) * size * size + weights
    figures = [PLANTED[cls][k] * macs + BYTE[k] * traffic + LAUNCH[k] for k in (0, 1)]
    kernel = 3 if cls == "depthwise" else 1
    return [cls, c_in, size, size, c_out, size, size, kernel, kernel], figures


HEADER = "name,group,class,in_channels,in_h,in_w,out_channels,out_h,out_w,kernel_h,kernel_w,latency_ms,energy_mJ"


def table(change=lambda i, s, joule: (s, joule)):
    """Blocks of a pointwise and mostly also a depthwise convolution, in eight groups."""
    lines, i = ["# source: made up", HEADER], 0
    for group, size in enumerate((112, 80, 56, 40, 28, 20, 14, 7)):
        for c_in, c_out in ((16, 16), (16, 96), (64, 24), (200, 300)):
            a, b = layer("pointwise", c_in, c_out, size), layer("depthwise", c_out, c_out, size)
            both = [a, b] if i % 3 else [a]
            total = [CALL[k] + sum(one[1][k] for one in both) for k in (0, 1)]
            seconds, joules = change(i, *total)
            for shape, figures in zip((a[0], b[0]), ["%.9g,%.9g" % (seconds * 1e3, joules * 1e3), ","][:len(both)]):
                lines.append("b%d,g%d,%s,%s" % (i, group, ",".join(map(str, shape)), figures))
            i += 1
    return "\n".join(lines) + "\n"


folder = tempfile.mkdtemp()


def put(name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def schema_errors(document, kind):
    if jsonschema is None:
        return []
    with open("configs/schema/%s.json" % kind) as file:
        schema = json.load(file)
    return [e.message for e in jsonschema.Draft7Validator(schema).iter_errors(document)]


def overlay(**more):
    base = {"format": "kerf-overlay/1", "name": "toy", "idle": "3 W", "mode": "fast",
            "clocks": {"gpu": "1 GHz", "memory": "2 GHz", "cpu": "3 GHz"},
            "modes": [{"name": "half", "basis": "half the clocks.", "idle": "2 W",
                       "clocks": {"gpu": "500 MHz", "memory": "1 GHz", "cpu": "1500 MHz"}}]}
    return put("overlay.json", json.dumps(dict(base, **more)))


def answers():
    good = put("good.csv", table())
    status, out, err = kerf("calibrate", good)
    check("a table for people", status == 0 and "* sum" in out and "* classes" in out and err == "", out + err)
    for word in ("mean", "median", "rank", "latency/per_mac/depthwise", "standard error"):
        check("it shows " + word, word in out, out)
    status, out, err = kerf("calibrate", good, "--json", "--bootstrap", "20")
    answer = json.loads(out) if status == 0 else {}
    check("JSON fits its schema", status == 0 and not schema_errors(answer, "calibration"),
          err + str(schema_errors(answer, "calibration"))[:300])
    values = {c["name"].split("/")[0] + "/" + c["name"].split("/")[1]: c["value"] for c in answer["coefficients"]}
    check("the planted coefficients come back",
          abs(values["latency/launch"] / LAUNCH[0] - 1) < 0.01 and
          abs(values["energy/partition"] / CALL[1] - 1) < 0.01 and
          abs(values["energy/per_byte"] / BYTE[1] - 1) < 0.01, values)
    check("twice the same", kerf("calibrate", good, "--json", "--bootstrap", "20")[1] == out)
    check("another seed, other samples",
          kerf("calibrate", good, "--json", "--bootstrap", "20", "--seed", "2")[1] != out)
    status, out, err = kerf("calibrate", good, "--csv", "--bootstrap", "2")
    rows = list(csv.DictReader(io.StringIO(out)))
    check("CSV has every row", status == 0 and len(rows) == 32 and
          all(abs(float(r["predicted_latency_s"]) / float(r["latency_s"]) - 1) < 0.01 for r in rows), out[:300])
    status, out, err = kerf("calibrate", good, "--form", "macs", "--form", "energy=mac-kernels", "--bootstrap", "2")
    check("forms that are asked for", status == 0 and "* macs " in out and "* mac-kernels" in out, out)
    if shutil.which("gnuplot"):
        picture = os.path.join(folder, "fit.svg")
        status, out, err = kerf("calibrate", good, "--bootstrap", "2", "--plot", picture)
        text = open(picture).read() if os.path.exists(picture) else ""
        check("a picture", status == 0 and "<title>Predicted over measured" in text, err)
    else:
        tap.skip("a picture", "gnuplot is not installed")


def profiles_from_tables():
    good, path = os.path.join(folder, "good.csv"), os.path.join(folder, "toy.json")
    made = kerf("calibrate", good, "--overlay", overlay(), "--output", path, "--bootstrap", "20", "--quiet")
    document = json.load(open(path)) if made[0] == 0 else {"modes": [{}, {}]}
    check("a profile is written", made[0] == 0 and not schema_errors(document, "device"),
          made[2] + str(schema_errors(document, "device"))[:300])
    check("with its provenance, errors and uncertainty",
          "made up" in document["provenance"] and "of rows left out of the fit" in document["fit"] and
          len(document["modes"][0]["uncertainty"]["correlation"]) ==
          len(document["modes"][0]["uncertainty"]["coefficients"]) - 1, document.get("fit"))
    fast, half = document["modes"]
    check("modes scale with their clocks",
          fast["latency"]["launch"] == "20 us" and half["latency"]["launch"] == "40 us" and
          half["latency"]["per_byte"] == "60 ps/B" and half["uncertainty"] == "fast", half)
    # 0.1 mJ of a launch are 60 uJ of idling and 40 uJ above it.
    check("and energies too", half["energy"]["launch"] == "100 uJ", half["energy"])
    status, out, err = kerf("plan", "chain", "--device", path, "--server", "fast", "--link", "ether")
    status2, out2, err2 = kerf("inspect", "chain", "--device", path, "--json")
    check("other commands take it", status2 == 0, err2)
    check("it is not overwritten", kerf("calibrate", good, "--overlay", overlay(), "--output", path,
                                        "--bootstrap", "2")[0] == 1)
    check("unless that is asked for", kerf("calibrate", good, "--overlay", overlay(), "--output", path,
                                           "--bootstrap", "2", "--force")[0] == 0)
    status, out, err = kerf("calibrate", good, "--output", os.path.join(folder, "x.json"), "--bootstrap", "2",
                            "--device-name", "toy")
    check("idle power must be stated", status == 1 and "idle power" in err, err)
    only = put("latency.csv", re.sub(r",energy_mJ|,[0-9.]+$|,$", "", table(), flags=re.M))
    status, out, err = kerf("calibrate", only, "--overlay", overlay(), "--output", os.path.join(folder, "x.json"),
                            "--bootstrap", "2")
    check("so must a power where energy was not measured", status == 1 and '"active"' in err, err)
    status, out, err = kerf("calibrate", only, "--overlay", overlay(active="9 W"), "--quiet", "--bootstrap", "2",
                            "--output", os.path.join(folder, "x.json"))
    check("with it the profile is written", status == 0, err)
    for more, where in (({"idl": "3 W"}, "/idl"), ({"assumed": {"latency/lunch": "3 us"}}, "latency/lunch"),
                        ({"assumed": {"launch": "3 us"}}, "/assumed/launch"),
                        ({"assumed": {"latency/launch": "3 uJ"}}, "/assumed/latency~1launch"),
                        ({"hidden": True, "modes": []}, "hides"), ({"clocks": {"gpu": "1 Hz"}}, "/clocks"),
                        ({"energy_form": "sums"}, "sums")):
        status, out, err = kerf("calibrate", good, "--overlay", overlay(**more))
        check("a wrong overlay: %s" % where, status == 1 and where in err and err.count("\n") == 1, err)


def refusals():
    cases = (
        ("units mixed up", table(lambda i, s, j: (s * (1000 if i == 7 else 1), j)), "factor of 1000"),
        ("energies in other units", table(lambda i, s, j: (s, j * 1000)), "the power of a board"),
        ("energies of 0", table(lambda i, s, j: (s, 0)), "energies are 0"),
        ("a missing column", table().replace("in_channels,", "", 1), "number of cells"),
        ("an unknown column", table().replace("latency_ms", "latency_msec"), "unknown column"),
        ("too few rows", "\n".join(table().splitlines()[:8]) + "\n", "at least 3 groups"),
        ("no rows", "network,latency_ms\n", "no measurement"),
        ("an unknown network", "network,latency_ms\nnowhere,3\n", "nowhere"),
    )
    for name, text, message in cases:
        status, out, err = kerf("calibrate", put("bad.csv", text))
        check(name, status == 1 and out == "" and err.count("\n") == 1 and message in err, err)
    doubled = table().splitlines()
    again = [line.replace("b1,g0", "b99,g0") for line in doubled if line.startswith("b1,")]
    again[0] = ",".join(again[0].split(",")[:-2]) + ",5,50"
    both = put("twice.csv", "\n".join(doubled + again) + "\n")
    status, out, err = kerf("calibrate", both)
    check("rows that contradict each other are named", status == 1 and "b1" in err and "b99" in err, err)
    lines = table().splitlines()
    again = [line for line in lines if line.startswith("b0,")][0].split(",")
    again[-2:] = [str(float(cell) * 1000) for cell in again[-2:]]
    status, out, err = kerf("calibrate", put("again.csv", "\n".join(lines + [",".join(again)])))
    check("units that make them contradict are told", status == 1 and "b0: runs the same as row %d," % (len(lines) + 1) in err
          and "not s and ms" in err and err.count("\n") == 1, err)
    same = [again[0]] + ["x%d" % i for i in range(9)]
    rows = [",".join([name, name] + again[2:-2] + ["%g" % (1 + 0.01 * i), "%g" % (7 + 0.02 * i)])
            for i, name in enumerate(same)]
    status, out, err = kerf("calibrate", put("same.csv", "\n".join([HEADER] + rows)), "--bootstrap", "2")
    check("constant features are told", status == 0 and "every row of latency runs the same" in err and
          "every row of energy runs the same" in err, err)
    status, out, err = kerf("calibrate", put("mark.csv", "\ufeff" + table().replace("\n", "\r\n")), "--bootstrap", "2")
    check("a table from a spreadsheet, with a byte order mark", status == 0 and not "runs the same" in err, err)
    status, out, err = kerf("calibrate", both, "--contradictions", "drop", "--bootstrap", "2")
    check("or left out", status == 0 and "Left out: 2 rows" in out, out + err)
    for arguments, message in ((("--form", "summ"), "expected one of macs"), (("--folds", "0"), "--folds"),
                               (("--form", "latency=classes"), "expected one of"), (("--contradictions", "x"), "refuse")):
        status, out, err = kerf("calibrate", os.path.join(folder, "good.csv"), *arguments)
        check("usage: " + " ".join(arguments), status == 2 and message in err, err)
    check("usage: nothing given", kerf("calibrate")[0] == 2)


def networks_and_operators():
    """Rows by networks and by operators, as profilers have them."""
    rows = ["network,operators,calls,latency_ms"]
    for i, operators in enumerate((["conv1"], ["conv1", "relu1"], [], ["fc"])):
        rows.append("chain,%s,%d,%g" % (";".join(operators), not operators, 1 + i))
    status, out, err = kerf("calibrate", put("operators.csv", "\n".join(rows) + "\n"), "--bootstrap", "2", "--quiet")
    known = "has no operator" not in err or "conv1" not in err
    check("operators of networks are found by their names", status in (0, 1) and known, err)
    status, out, err = kerf("calibrate", put("operators.csv", rows[0] + "\nchain,nowhere,0,3\n"))
    check("an operator that is not there", status == 1 and "nowhere" in err, err)


TARGETS = (("tx2-blocks", "energy", 142, 13, 7.5, 0), ("tx2-networks", "latency", 322, 16, 9, 0.95),
           ("agx-xavier-networks", "latency", 329, 16, 9, 0.95), ("nano-networks", "latency", 284, 16, 9, 0.95))


def reference_data():
    tables = os.path.join(folder, "tables")
    subprocess.run([sys.executable, "tools/measurements.py", DATA, tables], check=True)
    for name, what, rows, mape, median, rank in TARGETS if FULL else TARGETS[:1]:
        status, out, err = kerf("calibrate", os.path.join(tables, name + ".json"), "--json", "--bootstrap", "2")
        form = [f for f in json.loads(out)["forms"] if f.get("chosen") and f["of"] == what][0]
        check("%s keeps every row of the data" % name, len(json.loads(out)["rows"]) == rows and not json.loads(out)["left_out"],
              err)
        e = form["validated"]
        figures = "%s of %s: form %s, mean %.2f %%, median %.2f %%, rank correlation %.4f" % (
            what, name, form["name"], 100 * e["mape"], 100 * e["median"], e["spearman"])
        print("#", figures)
        check("%s of %s is as good as it must be" % (what, name),
              100 * e["mape"] <= mape and 100 * e["median"] <= median and e["spearman"] >= rank, figures)
    status, out, err = kerf("calibrate", os.path.join(tables, "nano-networks-as-listed.json"))
    check("layers that the source does not list make its rows contradict each other",
          status == 1 and "runs the same as MNASNet" in err and err.count("\n") == 1, err)
    pairs = re.search(r"PROFILE_TABLES := (.*?)\n\.PHONY", open("Makefile").read(), re.S).group(1).replace("\\\n", "").split()
    for device, measured in (pair.split(":") for pair in pairs):
        if not FULL and "networks" in measured:
            continue
        made = os.path.join(folder, device + ".json")
        run = kerf("calibrate", os.path.join(tables, measured + ".json"), "--overlay",
                   "configs/overlays/%s.json" % device, "--output", made, "--quiet")
        same = run[0] == 0 and open(made).read() == open("configs/devices/%s.json" % device).read()
        check("configs/devices/%s.json is made again, byte for byte" % device, same, run[2] or "it differs: make profiles")
    if FULL and shutil.which("gnuplot"):
        made = os.path.join(folder, "docs")
        os.makedirs(made + "/images")
        subprocess.run([sys.executable, "tools/accuracy.py", tables, made], check=True,
                       env=dict(os.environ, KERF=tap.KERF, KERF_PATH=""))
        check("docs/accuracy.md is made again", open(made + "/accuracy.md").read() == open("docs/accuracy.md").read(),
              "it differs: make accuracy")


try:
    for path in sorted(os.listdir("configs/overlays")):
        with open("configs/overlays/" + path) as file:
            problems = schema_errors(json.load(file), "overlay")
        check("%s fits its schema" % path, not problems, problems)
    answers()
    profiles_from_tables()
    refusals()
    networks_and_operators()
    if os.path.isdir(DATA):
        reference_data()
    else:
        tap.skip("the reference data", "%s is absent" % DATA)
finally:
    shutil.rmtree(folder)
tap.done()
