#!/usr/bin/python3
"""Writes docs/accuracy.md and its pictures from the answers of kerf calibrate and kerf plan.

    KERF=build/kerf tools/accuracy.py TABLES DOCS      (build/measurements, docs)

TABLES is the folder that tools/measurements.py fills. Run by make accuracy.
"""
import bisect
import collections
import copy
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

KERF = os.environ.get("KERF", "build/kerf")
TABLES, DOCS = (sys.argv + ["build/measurements", "docs"][len(sys.argv) - 1:])[1:3]
WORK = tempfile.mkdtemp()
NETWORK_BOARDS = ("tx2", "agx-xavier", "nano")
CLASSES = ("conv", "pointwise", "depthwise", "fc", "pool", "move")

BOARDS = (
    ("Jetson TX2, blocks", "tx2-blocks", "jetson-tx2",
     "142 blocks of FBNet (96 plain and 32 grouped blocks of pointwise, depthwise and pointwise "
     "convolution, and single operators), latency and whole-board energy (VDD_IN), batch 1, by the "
     "authors of HW-NAS-Bench (look-up table, MIT) with TensorRT in float32. The power mode is not "
     "stated; MAXN is assumed. A group is a stage: one input size and one number of channels.",
     "Blocks with grouped pointwise convolutions take up to two and a half times what is predicted, "
     "without a pattern in their sizes. Blocks of 8x8 pixels jump between two levels, about 3 and "
     "4.7 mJ, where neither their MACs nor their bytes do. Standard convolutions (two in the data), "
     "fully connected layers (two: one of 15 thousand MACs took as long as one of 2 million) and "
     "everything larger than a block rest on the assumptions that the profile states. The constant "
     "of a call is in every row, and is what most small blocks cost."),
    ("Jetson TX2, whole networks", "tx2-networks", "jetson-tx2-tensorflow",
     "Latency of 65 networks at up to five input sizes, batch 1, by Bouzidi et al. "
     "(perf_prediction) with Keras on TensorFlow in float32. A group is a network in all its sizes.",
     "Energy is assumed. Only convolutions and fully connected layers are listed; what normalization, "
     "activation and concatenation take is in their coefficients, so that a network with many of "
     "those is off: MobileNet v3 and ShuffleNet are underestimated at large inputs, DenseNet at "
     "small ones."),
    ("Jetson AGX Xavier", "agx-xavier-networks", "jetson-agx-xavier",
     "As above: 67 networks.", "As above; energy is assumed from a mean power that is probably "
     "that of the GPU's rail alone."),
    ("Jetson Nano", "nano-networks", "jetson-nano", "As above: 62 networks.",
     "As above. Deep networks with many weights are far off at their smallest inputs, in both "
     "directions (InceptionResNetV2, SEResNet); why is not known."),
    ("Jetson Orin Nano", "orin-nano-layers", "jetson-orin-nano",
     "The 53 convolutions of MobileNetV2 in TensorRT, float16: run time and board power of each "
     "layer (fuzzylabs/edge-vision-power-estimation, Apache-2.0). A group is a layer.",
     "One network. All layers draw about 6 W, so a heavy network draws more than the profile says. "
     "Its layers of the same shape are in different groups, so that these errors are those for "
     "layers like these, and no others."),
)


def kerf(*arguments):
    run = subprocess.run([KERF, *arguments], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit("kerf %s: %s" % (" ".join(arguments), run.stderr))
    return run.stdout


def per_cent(value):
    return "%.1f %%" % (100 * value)


def row(*cells):
    return "| " + " | ".join(str(c) for c in cells) + " |\n"


def forms_table(answer, kind):
    text = row("form", "coefficients", "mean", "median", "R²", "rank correlation", "mean of the fit itself")
    text += row(*["---"] * 7)
    for form in answer["forms"]:
        if form["of"] != kind or not form["fitted"]:
            continue
        e = form["validated"]
        name = "**%s**" % form["name"] if form["chosen"] else form["name"]
        text += row(name, form["coefficients"], per_cent(e["mape"]), per_cent(e["median"]), "%.2f" % e["r2"],
                    "%.3f" % e["spearman"], per_cent(form["own"]["mape"]))
    return text + "\n"


def errors(answer, kind):
    measured, predicted = ("latency_s", "validated_latency_s") if kind == "latency" else ("energy_J", "validated_energy_J")
    return [(r, r[predicted] / r[measured] - 1) for r in answer["rows"] if r[measured]]


def class_table(answer, kinds):
    """Mean error of rows, weighted by the share of the class in their predicted cost."""
    text = row("class", "rows with it", *["mean error, %s" % k for k in kinds]) + row(*["---"] * (2 + len(kinds)))
    for cls in CLASSES:
        cells = []
        for kind in kinds:
            pairs = [(r["shares"].get(cls, 0), abs(e)) for r, e in errors(answer, kind)]
            weight = sum(w for w, _ in pairs)
            cells.append(per_cent(sum(w * e for w, e in pairs) / weight) if weight else "-")
        n = sum(1 for r in answer["rows"] if r["shares"].get(cls, 0) > 0)
        if n:
            text += row(cls, n, *cells)
    return text + "\n"


def family_table(answer, kinds):
    tables = [{f["family"]: f for f in answer[k + "_families"]} for k in kinds]
    if len(tables[0]) < 2:
        return ""
    text = row("family", "rows", *[h for k in kinds for h in ("mean error, " + k, "bias")])
    text += row(*["---"] * (2 + 2 * len(kinds)))
    for family in tables[0]:
        cells = []
        for table in tables:
            cells += [per_cent(table[family]["mape"]), "%+.1f %%" % (100 * table[family]["bias"])]
        text += row(family, tables[0][family]["rows"], *cells)
    return text + "\n"


def board(title, table, device, what, caution):
    arguments = [os.path.join(TABLES, table + ".json"), "--overlay", "configs/overlays/%s.json" % device]
    picture = "images/accuracy-%s.svg" % table
    answer = json.loads(kerf("calibrate", *arguments, "--json", "--quiet", "--plot", os.path.join(DOCS, picture)))
    kinds = [k for k in ("latency", "energy") if k + "_families" in answer]
    text = "## %s\n\nProfile `%s`. %s\n\n" % (title, device, what)
    for kind in kinds:
        text += "%s of rows left out of the fit (%d folds of groups):\n\n" % (kind.capitalize(), answer["folds"])
        text += forms_table(answer, kind)
    text += "![Predicted over measured](%s)\n\n" % picture
    text += class_table(answer, kinds) + family_table(answer, kinds)
    return text + "**Where not to trust it.** %s\n\n" % caution, answer


def overlay_of(table):
    return "configs/overlays/jetson-%s.json" % ("tx2-tensorflow" if table == "tx2" else table)


def calibrate(path, *more):
    return json.loads(kerf("calibrate", path, "--bootstrap", "2", "--json", "--quiet", *more))


def chosen(answer, kind):
    return next(f for f in answer["forms"] if f["of"] == kind and f.get("chosen"))


def measured_errors(form):
    e = form["validated"]
    return per_cent(e["mape"]), per_cent(e["median"]), "%.3f" % e["spearman"]


def unavoidable(table):
    """The mean error that a model makes at least, over all rows, because rows of the same layers have
    other latencies: with the best single figure for each such set of rows, known beforehand."""
    rows = json.load(open(os.path.join(TABLES, table + "-networks-as-listed.json")))["measurements"]
    alike = {}
    for entry in rows:
        alike.setdefault(json.dumps(entry["layers"]), []).append(float(entry["latency"].split()[0]))
    return sum(min(sum(abs(figure / m - 1) for m in measured) for figure in measured)
               for measured in alike.values()) / len(rows)


def regrouped(table, group):
    """The table with other groups, written to a file."""
    document = json.load(open(os.path.join(TABLES, table + ".json")))
    for entry in document["measurements"]:
        entry["group"] = group(entry)
    path = os.path.join(WORK, "regrouped.json")
    json.dump(document, open(path, "w"))
    return path


def mnasnet_section(answers):
    """What completing the list of layers does to the figures."""
    text = ("## MnasNet's layers\n\nOf five networks (MNASNet0.35 to 1.4, 25 rows on each board) the source lists one layer, the "
            "last, which is the same at every size of the input, while their latencies differ by a factor of up to 69. Its "
            "program MNASNet.py says what was run; `tools/measurements.py` adds those convolutions, which lead to the width of "
            "the layer that is listed. No row is left out anywhere on this page. What that does to the figures of networks left "
            "out of the fit, and what they would be otherwise:\n\n")
    text += row("board", "rows", "mean", "median", "rank correlation") + row(*["---"] * 5)
    alone = row("board", "mean error of the 25", "largest", "bias") + row(*["---"] * 4)
    for table in NETWORK_BOARDS:
        path = os.path.join(TABLES, table + "-networks")
        overlay = "--overlay", overlay_of(table)
        listed = path + "-as-listed.json"
        for title, answer in (("all, completed", answers[table + "-networks"]),
                              ("without MnasNet", calibrate(listed, *overlay, "--contradictions", "drop")),
                              ("all, as listed (%s at least)" % per_cent(unavoidable(table)),
                               calibrate(listed, *overlay, "--contradictions", "keep"))):
            text += row(table, "%d: %s" % (len(answer["rows"]), title), *measured_errors(chosen(answer, "latency")))
        answer = calibrate(regrouped(table + "-networks", lambda e: e["family"] if e["family"] == "MNASNet" else e["group"]),
                           *overlay)
        off = [e for r, e in errors(answer, "latency") if r["name"].startswith("MNASNet")]
        alone += row(table, per_cent(sum(map(abs, off)) / len(off)), per_cent(max(map(abs, off))),
                     "%+.1f %%" % (100 * sum(off) / len(off)))
    return text + ("\n(\"At least\": the mean error that remains if every other row were met exactly, and the five of such a "
                   "network by the best single figure for them, since as listed no model can tell them apart.)\n\n"
                   "That the added layers are those that ran shows in fits that have seen no MnasNet at all:\n\n" + alone + "\n")


OUTER = 10


def nested_section():
    """The form chosen anew without each of ten parts of the groups, by folds of what is left."""
    text = ("## The choice of the form\n\nThe forms above are chosen by the same folds that their errors are told by, which "
            "could flatter the chosen one. Here the groups are dealt into %d parts, each is predicted by a fit on the others, "
            "and the form is chosen anew for each part, by folds of the others only (larger folds leave less to fit on, so "
            "that the errors need not be the same):\n\n" % OUTER)
    text += row("profile", "measured", "mean", "median", "rank correlation", "forms chosen") + row(*["---"] * 6)
    for _, table, device, _, _ in BOARDS:
        rows = json.load(open(os.path.join(TABLES, table + ".json")))["measurements"]
        groups = list(dict.fromkeys(e.get("group", e["name"]) for e in rows))
        part = {g: str(i % OUTER) for i, g in enumerate(groups)}
        parts = [part[e.get("group", e["name"])] for e in rows]
        overlay = free_choice(device)
        rest = [calibrate(without(table, parts, str(i)), "--overlay", overlay, "--folds", "10") for i in range(OUTER)]
        dealt = regrouped(table, lambda e: part[e.get("group", e["name"])])
        for kind in [k for k in ("latency", "energy") if k in rows[0]]:
            forms = [chosen(answer, kind)["name"] for answer in rest]
            off = []
            for name in sorted(set(forms)):
                answer = calibrate(dealt, "--overlay", overlay, "--form", kind + "=" + name)
                off += [(r, e) for (r, e), p in zip(errors(answer, kind), parts) if forms[int(p)] == name]
            sizes = sorted(abs(e) for _, e in off)
            text += row("`%s`" % device, kind, per_cent(sum(sizes) / len(sizes)), per_cent(statistics.median(sizes)),
                        "%.3f" % spearman([r[kind + ("_s" if kind == "latency" else "_J")] for r, _ in off], off),
                        ", ".join("%s %d" % pair for pair in collections.Counter(forms).most_common()))
    return text + "\n"


def free_choice(device):
    """The device's overlay without the forms that it asks for."""
    overlay = json.load(open("configs/overlays/%s.json" % device))
    for kind in ("latency", "energy"):
        overlay.pop(kind + "_form", None)
    path = os.path.join(WORK, "free.json")
    json.dump(overlay, open(path, "w"))
    return path


def without(table, parts, part):
    document = json.load(open(os.path.join(TABLES, table + ".json")))
    document["measurements"] = [e for e, p in zip(document["measurements"], parts) if p != part]
    path = os.path.join(WORK, "without.json")
    json.dump(document, open(path, "w"))
    return path


def spearman(measured, off):
    predicted = [m * (1 + e) for m, (_, e) in zip(measured, off)]
    return correlation(ranks(measured), ranks(predicted))


def ranks(values):
    """From 1; equal ones share the mean of theirs."""
    ordered = sorted(values)
    return [(bisect.bisect_left(ordered, v) + bisect.bisect_right(ordered, v) + 1) / 2 for v in values]


def correlation(a, b):
    x, y = statistics.mean(a), statistics.mean(b)
    return (sum((p - x) * (q - y) for p, q in zip(a, b)) /
            math.sqrt(sum((p - x) ** 2 for p in a) * sum((q - y) ** 2 for q in b)))


def families(table):
    """Whole families of networks left out instead of networks."""
    answer = calibrate(regrouped(table + "-networks", lambda e: e["family"]), "--overlay", overlay_of(table))
    return answer, {f["name"]: f for f in answer["forms"] if f["of"] == "latency"}


# --- decisions --------------------------------------------------------------------------------------------
def plan(network, device, *more):
    return json.loads(kerf("plan", network, "--device", device, "--json", "--quiet", *more))


def cost_of(network, device, placement, *more):
    """What another plan's placement costs."""
    pins = []
    for side in ("device", "server"):
        for operator in placement["cut"][side + "_operators"]:
            pins += ["--pin", "%s=%s" % (operator, side)]
    return plan(network, device, *more, *pins)["objective"]["value"]


def regret(network, model, truth, *more):
    """How much more the model's answer costs than the best one, by the true figures; and whether it
    is another one."""
    answer = plan(network, *model, *more)
    best = plan(network, *truth, *more)
    value, paid = best["objective"]["value"], cost_of(network, truth[0], answer, *truth[1:], *more)
    return paid / value - 1, answer["cut"]["device_operators"] != best["cut"]["device_operators"]


def profile_file(name, network, figures):
    path = os.path.join(WORK, name)
    operators = {key: {"latency": "%.9g ms" % (1e3 * s), "energy": "%.9g mJ" % (1e3 * j)}
                 for key, (s, j) in figures.items()}
    json.dump({"format": "kerf-profile/1", "network": network, "source": "kerf calibrate", "operators": operators},
              open(path, "w"))
    return path


RATES = ("1 Mbit/s", "3 Mbit/s", "10 Mbit/s", "30 Mbit/s", "100 Mbit/s", "300 Mbit/s", "1 Gbit/s")
GOALS = ("energy", "latency")


def questions():
    for goal in GOALS:
        for rate in RATES:
            yield ("--objective", goal, "--link", "wifi-n", "--uplink", rate, "--server", "edge-gpu",
                   "--input-size", "150 kB")


def summary(results):
    changed = [r for r, other in results if other]
    return ("%d" % len(results), per_cent(len(changed) / len(results)), per_cent(sum(r for r, _ in results) / len(results)),
            per_cent(max(r for r, _ in results)))


def orin_decisions(answer):
    """MobileNetV2's layers, predicted by fits without them, against the measured ones."""
    network = "configs/networks/mobilenetv2.json"
    names = [o["name"] for o in json.loads(kerf("inspect", network, "--json"))["operators"]
             if o["class"] in ("conv", "pointwise", "depthwise", "fc")]
    rows = answer["rows"]
    pairs = list(zip(names, rows))
    measured = profile_file("m.json", "mobilenetv2", {n: (r["latency_s"], r["energy_J"]) for n, r in pairs})
    predicted = profile_file("p.json", "mobilenetv2", {n: (r["validated_latency_s"], r["validated_energy_J"]) for n, r in pairs})
    return [regret(network, ("jetson-orin-nano", "--device-profile", predicted),
                   ("jetson-orin-nano", "--device-profile", measured), *q) for q in questions()]


# A way through the blocks for 32x32 images, all of which were measured: input, channels in and out, stride.
STAGES = ((32, 16, 16, 1), (32, 16, 24, 1), (32, 24, 24, 1), (32, 24, 32, 2), (16, 32, 64, 2), (8, 64, 64, 1),
          (8, 64, 112, 1), (8, 112, 112, 1))
KINDS = ((1, 3, 1), (1, 3, 2), (1, 5, 1), (3, 3, 1), (6, 3, 1), (6, 5, 1))


def tx2_decisions(answer):
    """Chains of measured blocks, predicted by fits without their stage."""
    rows = {r["name"]: r for r in answer["rows"]}
    values = {c["name"]: c["value"] for c in answer["coefficients"]}
    constant = values["latency/partition"], values["energy/partition"]
    results = []
    for start in range(len(KINDS)):
        operators, figures, tensor = [], ({}, {}), "x"
        for i, (size, c_in, c_out, stride) in enumerate(STAGES):
            kind = KINDS[(start + i * (start + 1)) % len(KINDS)]
            name = "ConvBlock_H%d_W%d_Cin%d_Cout%d_exp%d_kernel%d_stride%d_group%d" % (
                (size, size, c_in, c_out, kind[0], kind[1], stride, kind[2]))
            out = "t%d" % i
            operators.append({"name": "b%d" % i, "type": "Block", "inputs": [tensor], "outputs": [out], "macs": 0,
                              "weight_bytes": 0, "output_shapes": [[1, c_out, size // stride, size // stride]]})
            tensor = out
            r = rows[name]
            for k, (s, j) in enumerate(((r["latency_s"], r["energy_J"]), (r["validated_latency_s"], r["validated_energy_J"]))):
                figures[k]["b%d" % i] = max(s - constant[0], 0), max(j - constant[1], 0)
        network = os.path.join(WORK, "chain.json")
        json.dump({"format": "kerf-network/1", "name": "chain", "inputs": [{"name": "x", "shape": [1, 16, 32, 32], "type": "float32"}],
                   "operators": operators, "outputs": [tensor]}, open(network, "w"))
        files = [profile_file("%d.json" % k, "chain", figures[k]) for k in (0, 1)]
        for goal in GOALS:
            for rate in RATES:
                question = ("--objective", goal, "--link", "ethernet-1g", "--uplink", rate, "--server", "edge-gpu")
                results.append(regret(network, ("jetson-tx2", "--device-profile", files[1]),
                                      ("jetson-tx2", "--device-profile", files[0]), *question))
    return results


NETWORKS = ("alexnet", "squeezenet", "mobilenetv2", "resnet18", "vgg16")


def scaled(device, place, factor):
    """The profile with one coefficient changed, in its first mode."""
    def change(text):
        number, unit = text.split(" ", 1)
        return "%.9g %s" % (float(number) * factor, unit)

    changed = copy.deepcopy(device)
    part, key = place
    target = changed["modes"][0][part]
    if isinstance(target[key], dict):
        target[key] = {c: change(v) for c, v in target[key].items()}
    else:
        target[key] = change(target[key])
    path = os.path.join(WORK, "scaled.json")
    json.dump(changed, open(path, "w"))
    return path


def coefficient_decisions():
    """The bundled TX2 profile taken as the truth, planned with one of its coefficients wrong."""
    path = "configs/devices/jetson-tx2.json"
    device = json.load(open(path))
    text = row("coefficient", "times", "questions", "another cut", "mean regret", "largest") + row(*["---"] * 6)
    mode = device["modes"][0]
    places = [("energy", k) for k in ("per_mac", "per_byte", "launch", "partition", "per_step")]
    for place in places:
        if place[1] not in mode[place[0]]:
            continue
        for factor in (0.5, 2):
            wrong = scaled(device, place, factor)
            results = []
            for network in NETWORKS:
                for rate in RATES[2:]:
                    question = ("--link", "wifi-n", "--uplink", rate, "--server", "edge-gpu")
                    results.append(regret(network, (wrong,), (path,), *question))
            text += row("%s/%s" % place, factor, *summary(results))
    return text + "\n"


INTRODUCTION = """# How far to trust the figures

`make accuracy` writes this page from the answers of `kerf calibrate` and `kerf plan` on the public measurements that the bundled profiles are fitted on (`make profiles`). Nothing here is fitted on what it is judged on: every row is predicted by a fit without its *fold*, and folds are whole groups of rows that are alike (a stage of a network, a network in all its input sizes). Errors are relative to the measured figure. The coefficients in the profiles are those of fits on all rows, whose own errors are in the last column.

Coefficients are not negative and make the sum of the absolute relative errors minimal, by linear programs [A. Charnes, W. W. Cooper, R. O. Ferguson, Management Science 1, 1955]. The form is the simplest that is not worse than the best by more than the standard error of their difference over the groups (in bold), or the one that the overlay asks for. [cost-model.md](cost-model.md) has the equations of the forms; coefficients that are assumed rather than fitted are in `configs/overlays`, and not counted below.

"""


# What was to be reached at least: mean and median error, rank correlation.
AIMS = {("tx2-blocks", "energy"): (0.13, 0.075, None), ("tx2-networks", "latency"): (0.16, 0.09, 0.95),
        ("agx-xavier-networks", "latency"): (0.16, 0.09, 0.95), ("nano-networks", "latency"): (0.16, 0.09, 0.95)}


def aim(table, kind, e):
    if (table, kind) not in AIMS:
        return "-"
    mean, median, rank = AIMS[table, kind]
    met = e["mape"] <= mean and e["median"] <= median and (rank is None or e["spearman"] >= rank)
    limits = "%s, %s" % (per_cent(mean), per_cent(median)) + (", %.2f" % rank if rank else "")
    return limits + (": met" if met else ": **missed**")


def headline(answers):
    text = row("profile", "measured", "form", "error of what was left out: mean, median", "rank correlation",
               "aimed at", "the same with nothing assumed") + row(*["---"] * 7)
    for _, table, device, _, _ in BOARDS:
        bare = calibrate(os.path.join(TABLES, table + ".json"))
        for kind in ("latency", "energy"):
            if kind + "_families" not in answers[table]:
                continue
            form, free = chosen(answers[table], kind), chosen(bare, kind)
            e = form["validated"]
            text += row("`%s`" % device, "%s of %d rows" % (kind, len(answers[table]["rows"])), form["name"],
                        "%s, %s" % measured_errors(form)[:2], measured_errors(form)[2], aim(table, kind, e),
                        "%s: %s, %s, %s" % ((free["name"],) + measured_errors(free)))
    return text + ("\nNo row of the data is left out. Of 25 rows on each board of the networks' data the source lists only a part "
                   "of the layers; they are completed from its program, see [MnasNet's layers](#mnasnets-layers), which has the "
                   "figures without that, too. The last column is a fit without the coefficients that the profile assumes: one of "
                   "them for `jetson-tx2`, the energy of a MAC, uses the largest power of any of its own blocks.\n\n"
                   "Not measured at all: the energy of whole networks, `jetson-xavier-nx` (scaled from the AGX Xavier), every "
                   "power mode but a board's first, all servers.\n\n")


def kinds_section():
    """Kinds of blocks left out of the fit, with the profile's forms."""
    answer = calibrate(regrouped("tx2-blocks", lambda e: e["family"]), "--overlay", "configs/overlays/jetson-tx2.json",
                       "--form", "latency=steps", "--form", "energy=steps")
    text = ("\nThe same for the TX2's blocks, whose energy was measured: whole kinds of blocks left out, with the form of the "
            "profile. Over all rows the latency is off by %s and the energy by %s on average; by kind:\n\n"
            % tuple(per_cent(chosen(answer, kind)["validated"]["mape"]) for kind in ("latency", "energy")))
    return text + family_table(answer, ("latency", "energy"))


def energy_section():
    """The energy of whole networks by two profiles of the same board that share no measurement of it."""
    text = ("## The energy of whole networks\n\nNobody's measured energy of a whole network was at hand: every one that a plan "
            "prints is an extrapolation, from blocks of at most %s (`jetson-tx2`), from the layers of one network "
            "(`jetson-orin-nano`), or the time multiplied by an assumed power (the others). How far apart that can be shows in "
            "the two profiles of the TX2, which share the board and the time of a MAC of a convolution, but neither the runtime "
            "nor the other coefficients nor any measurement of power:\n\n"
            % largest_block())
    text += row("network", "`jetson-tx2`: time, energy, power", "`jetson-tx2-tensorflow`: time, energy, power", "energies' ratio")
    text += row(*["---"] * 4)
    ratios = []
    for network in NETWORKS + ("densenet121", "efficientnet-b0", "inceptionv3", "resnet50", "yolov3-tiny"):
        costs = [alone_on(network, device) for device in ("jetson-tx2", "jetson-tx2-tensorflow")]
        ratios.append(costs[1][1] / costs[0][1])
        text += row(network, *["%.1f ms, %.0f mJ, %.1f W" % (1e3 * s, 1e3 * j, j / s) for s, j in costs], "%.2f" % ratios[-1])
    return text + ("\nTensorFlow takes more time than TensorRT, so that a ratio above 1 is expected; its spread, from %.2f to "
                   "%.2f, says that the energy of a network is not known to better than that, however small the errors of "
                   "blocks are. Xavier NX, AGX Xavier and Nano have no measured energy at all; their power is assumed, and a "
                   "power that is half or twice the true one cannot be excluded. Measure the board that you plan for: "
                   "`kerf measure`, then `kerf calibrate`.\n" % (min(ratios), max(ratios)))


def alone_on(network, device):
    totals = json.loads(kerf("inspect", network, "--device", device, "--json"))["totals"]
    return totals["latency_s"], totals["energy_J"]


def largest_block():
    """What the longest block took."""
    rows = json.load(open(os.path.join(TABLES, "tx2-blocks.json")))["measurements"]
    return "%.1f ms" % max(float(e["latency"].split()[0]) for e in rows)


def main():
    texts, answers = [], {}
    for each in BOARDS:
        text, answers[each[1]] = board(*each)
        texts.append(text)
    page = INTRODUCTION + headline(answers)
    page += "".join(texts) + mnasnet_section(answers) + nested_section()
    page += ("## A family that was never measured\n\nLatency of whole networks, but with whole families of networks left out (all ResNets, "
             "all MobileNets, ...) instead of single networks: what to expect of a kind of network that is not in the data.\n\n")
    page += row("board", "families", "form", "mean", "median", "rank correlation") + row(*["---"] * 6)
    for table in NETWORK_BOARDS:
        answer, forms = families(table)
        for name in ("sum", "weights", "full"):
            e = forms[name]["validated"]
            page += row(table, answer["folds"], name, per_cent(e["mape"]), per_cent(e["median"]), "%.3f" % e["spearman"])
    page += kinds_section() + energy_section()
    page += ("\n## What a wrong figure costs\n\nA plan made with predicted figures may choose another cut than one made with "
             "measured ones. Its *regret* is what it costs more than the best plan, both priced with the measured figures. "
             "Below, every layer or block is predicted by a fit that has not seen it (its group), for %d link rates from %s to %s, "
             "for energy and for latency:\n\n" % (len(RATES), RATES[0], RATES[-1]))
    page += row("network", "questions", "another cut", "mean regret", "largest") + row(*["---"] * 5)
    page += row("MobileNetV2 on an Orin Nano, by layers", *summary(orin_decisions(answers["orin-nano-layers"])))
    page += row("six chains of FBNet blocks for 32x32 images on a TX2, by blocks", *summary(tx2_decisions(answers["tx2-blocks"])))
    page += ("\n(The chains are priced as one call: the constant of a call is taken from every block, measured and predicted.)\n\n"
             "And with one coefficient of `jetson-tx2` halved or doubled, the profile itself taken as the truth: %s over 802.11n "
             "at five rates, for energy:\n\n" % ", ".join(NETWORKS))
    page += coefficient_decisions()
    page += ("In most questions the cut stays where it is: the bytes that cross decide it. Where it moves, it mostly moves to "
             "one that costs about as much, but the largest losses show that a single wrong figure can be dear. What is near "
             "the cut is worth measuring (`--device-profile`).\n")
    with open(os.path.join(DOCS, "accuracy.md"), "w") as file:
        file.write(page)


if __name__ == "__main__":
    main()
