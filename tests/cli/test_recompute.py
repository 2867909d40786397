"""Every figure that kerf plan and kerf inspect print, recomputed from the documents (recompute.py):
costs and their parts, extremes, the optimum by enumeration, alternatives and their order, constraints,
break-even rates. A quick run takes a part of the grid; KERF_TEST_FULL=1 all of it."""
import glob
import json
import math
import os
import random
import tempfile

import random_files
import recompute
import tap
from tap import check, kerf

FULL = os.environ.get("KERF_TEST_FULL") == "1"
IDEALS = 5000
CLI = "tests/data/cli"
ONNX = "../shared/data/onnx"
RATES = (1.0, 1e13)  # bit/s: what a link file may state
PROBES = 15 if FULL else 7
LIMITS = {"deadline": "latency_s", "energy_budget": "device_energy_J", "max_bytes": "uplink_bytes"}


def find(kind, name):
    for path in ("configs/%s/%s.json" % (kind, name), name):
        if os.path.exists(path):
            return path
    raise FileNotFoundError(name)


class Case:
    """A question in kerf's words and in recompute's."""

    def __init__(self, network, options=(), **question):
        self.network, self.options, self.q = network, tuple(options), question

    def arguments(self):
        q, words = self.q, [self.network, *self.options]
        for key, unit in (("uplink", "bit/s"), ("downlink", "bit/s"), ("rtt", "s"), ("gap", "s"), ("input_size", "B"),
                          ("deadline", "s"), ("energy_budget", "J"), ("device_memory", "B"), ("max_bytes", "B")):
            if key in q:
                words += ["--" + key.replace("_", "-"), "%.17g %s" % (q[key], unit)]
        for key in ("device", "server", "link", "wire", "result", "connection", "device_profile", "server_profile",
                    "power_mode", "min_device_operators", "top", "solver"):
            if key in q:
                words += ["--" + key.replace("_", "-"), str(q[key])]
        if "encoding" in q:
            words += ["--variants", q["encoding"], "--wire", recompute.load(q["encoding"])["encodings"][0]["name"]]
        if "loss" in q:
            words += ["--loss", "%.17g %%" % (100 * q["loss"])]
        if "server_load" in q:
            words += ["--server-load", "%.17g" % q["server_load"]]
        if "weights" in q:
            words += ["--objective", "weighted:energy=%.17g,latency=%.17g" % q["weights"]]
        elif "objective" in q:
            words += ["--objective", q["objective"]]
        for name, side in q.get("pins", {}).items():
            words += ["--pin", "%s=%s" % (name, side)]
        return words

    def without(self, keys):
        return Case(self.network, self.options, **{k: v for k, v in self.q.items() if k not in keys})

    def name(self):
        return " ".join(os.path.basename(w) if "/" in w and os.path.exists(w) else w for w in self.arguments())

    def scene(self, mode):
        q = self.q
        link = recompute.Link(find("links", q.get("link", "wifi-n")))
        link.override(**{k: q[k] for k in ("uplink", "downlink", "rtt", "loss", "connection", "gap") if k in q})
        profiles = {k: recompute.Profile(q[k]) for k in ("device_profile", "server_profile") if k in q}
        encoding = recompute.load(q["encoding"])["encodings"][0] if "encoding" in q else None
        return recompute.Scene(
            structure(self), recompute.Device(find("devices", q.get("device", "jetson-tx2"))),
            recompute.Device(find("servers", q.get("server", "edge-gpu"))), link, mode=mode,
            wire=q.get("wire", "own"), input_size=q.get("input_size"), result=q.get("result", "device"),
            server_load=q.get("server_load", 0.0), encoding=encoding, weights=q.get("weights", (0, 0)),
            objective="weighted" if "weights" in q else q.get("objective", "energy"), **profiles)

    def scenes(self):
        """By the modes that may be chosen, the device's own first."""
        device = recompute.Device(find("devices", self.q.get("device", "jetson-tx2")))
        mode = self.q.get("power_mode", device.default)
        return {m: self.scene(m) for m in (device.modes if mode == "any" else [mode])}

    def allows(self, scene, sums):
        """What does not depend on the link's rate."""
        q = self.q
        for operator in scene.network.operators:
            here = scene.on_device(sums.mask, operator)
            if (operator.type in scene.unsupported[0 if here else 1]
                    or q.get("pins", {}).get(operator.name, "device" if here else "server")
                    != ("device" if here else "server")):
                return False
        return (bin(sums.mask).count("1") >= q.get("min_device_operators", 0)
                and ("device_memory" not in q or scene.memory(sums.mask) <= q["device_memory"] * (1 + 1e-9)))

    def keeps(self, cost):
        """Limits on what the link's rate changes."""
        return all(cost[LIMITS[k]] <= self.q[k] * (1 + 1e-9) for k in LIMITS if k in self.q)


_structures = {}


def structure(case):
    key = (case.network, case.options)
    if key not in _structures:
        status, out, err = kerf("inspect", case.network, *case.options, "--json")
        if status != 0:
            raise AssertionError("kerf inspect %s: %s" % (case.network, err))
        _structures[key] = recompute.Network(json.loads(out))
    return _structures[key]


class Report:
    """Disagreements of one answer."""

    def __init__(self):
        self.lines = []

    def same(self, what, got, expected):
        got, expected = (math.inf if v is None else v for v in (got, expected))
        if got != expected and not abs(got - expected) <= 1e-9 * max(abs(got), abs(expected)) + 1e-15:
            self.lines.append("%s: kerf says %r, recomputed %r" % (what, got, expected))

    def true(self, what, condition, detail=""):
        if not condition:
            self.lines.append("not true: %s %s" % (what, detail))


def loss(scene, cost):
    """The objective as something to make small."""
    return 1 / cost["objective"] if scene.objective == "throughput" else cost["objective"]


def names(tensors):
    return tuple(sorted(t.name for t in tensors))


def compare_figures(report, scene, answer):
    """The plan's figures, from its operators alone; returns the placement."""
    by_name = {o.name: o for o in scene.network.operators}
    cut = answer["cut"]
    cost = {**answer["cost"]["energy"], **answer["cost"]["latency"], **answer["cost"],
            "objective": answer["objective"]["value"]}
    here, there = cut["device_operators"], cut["server_operators"]
    report.true("every operator is on one side", sorted(here + there) == sorted(by_name))
    mask = sum(1 << by_name[n].index for n in here)
    report.true("nothing flows back", scene.closed(mask))
    for key, value in scene.cost(scene.sums(mask)).items():
        report.same(key, cost[key], value)
    tensors = scene.cut(mask)
    report.true("tensors of the cut", names(tensors) == tuple(sorted(t["name"] for t in cut["tensors"])), names(tensors))
    report.same("bytes of the cut", cut["bytes"], sum(t.bytes for t in tensors))
    report.same("wire bytes of the cut", cut["wire_bytes"], sum(map(scene.wire_bytes, tensors)))
    for t in cut["tensors"]:
        tensor = scene.network.tensors[t["name"]]
        report.same("bytes of " + t["name"], t["bytes"], tensor.bytes)
        report.same("wire bytes of " + t["name"], t["wire_bytes"], scene.wire_bytes(tensor))
    memory = scene.memory(mask)
    if memory is not None:
        report.same("device_memory_bytes", cost["device_memory_bytes"], memory)
    return mask


def compare_extremes(report, case, scene, answer):
    for key, mask in (("all_device", scene.full), ("all_server", 0)):
        sums = scene.sums(mask)
        cost, got = scene.cost(sums), answer["compare"][key]
        for field in ("device_energy_J", "latency_s", "throughput_per_s", "objective"):
            report.same("%s %s" % (key, field), got[field], cost[field])
        report.true(key + " feasible", got["feasible"] == (case.allows(scene, sums) and case.keeps(cost)), got)


class Field:
    """The placements that a question allows, in every mode that it allows; all of them, or where they
    are too many the cuts of the operators' order."""

    def __init__(self, case):
        self.case, self.scenes, self.complete, self.allowed = case, case.scenes(), True, []
        for scene in self.scenes.values():
            candidates = scene.ideals(IDEALS)
            if candidates is None:
                self.complete = False
                candidates = [scene.sums(m) for m in scene.prefixes()]
            self.allowed += [(scene, s) for s in candidates if case.allows(scene, s)]

    def feasible(self):
        for scene, sums in self.allowed:
            cost = scene.cost(sums)
            if self.case.keeps(cost):
                yield scene, sums, cost

    def prune(self):
        """Keeps what can be best at some rate."""
        self.allowed = [(scene, s) for scene in self.scenes.values()
                        for s in scene.undominated([s for of, s in self.allowed if of is scene])]

    def set_uplink(self, rate):
        for scene in self.scenes.values():
            scene.link.rate[0] = rate

    def excess(self, rate, ours):
        """How far our (scene, sums) is from the best at this rate, relative; infinite where it breaks a limit."""
        self.set_uplink(rate)
        scene, sums = ours
        cost = scene.cost(sums)
        if not self.case.keeps(cost):
            return math.inf
        best = min((loss(of, c) for of, _, c in self.feasible()), default=math.inf)
        return loss(scene, cost) / best - 1 if best > 0 else 0.0


def compare_alternatives(report, field, answer, mode):
    """The best placement of every cut, in the plan's mode; best first."""
    got, best = answer["alternatives"], {}
    scene = field.scenes[mode]
    for of, sums, cost in field.feasible():
        if of is scene:
            best.setdefault(names(scene.cut(sums.mask)), []).append((loss(scene, cost), cost, sums))
    listed = [loss(scene, a) for a in got]
    report.true("alternatives are in order", all(a <= b * (1 + 1e-9) for a, b in zip(listed, listed[1:])), listed)
    if not field.complete:
        return
    ranked = sorted(min(c[0] for c in of_cut) for of_cut in best.values())[1:field.case.q.get("top", 1)]
    report.true("number of alternatives", len(listed) == len(ranked), (len(listed), len(ranked)))
    for i, (a, value) in enumerate(zip(listed, ranked)):
        report.same("alternative %d" % i, a, value)
    for i, a in enumerate(got):
        fits = [cost for _, cost, sums in best.get(tuple(sorted(a["tensors"])), [])
                if bin(sums.mask).count("1") == a["device_operators"]
                and all(abs(cost[k] - a[k]) <= 1e-9 * cost[k] for k in
                        ("device_energy_J", "latency_s", "throughput_per_s", "objective"))]
        report.true("alternative %d is a placement with these figures" % i, fits, a)


def compare_binding(report, case, answer, best):
    """Binding are the limits that the best cut without limits would break: with them all gone, and only
    then, something better can be had."""
    option = {k: k.replace("_", "-") for k in (*LIMITS, "device_memory", "min_device_operators")}
    named = [k for k in option if option[k] in answer["binding"]]
    report.true("binding limits were given", len(named) == len(answer["binding"]) and all(k in case.q for k in named),
                answer["binding"])
    if not any(k in case.q for k in option):
        return
    values = [min(loss(of, c) for of, _, c in Field(case.without(gone)).feasible()) for gone in (named, option)]
    report.same("the optimum without what binds", *values)
    report.true("limits bind if there is something better without", (values[0] < best * (1 - 1e-9)) == bool(named),
                (answer["binding"], best, values))


def compare_break_even(report, field, answer, ours):
    """Inside the range our answer, the cut in its power mode, is the best; just outside of it is not."""
    now, border = ours[0].link.rate[0], answer["break_even"]["uplink_bps"]
    low, high = border["below"] or RATES[0], border["above"] or RATES[1]
    report.true("the range holds the rate", low <= now * (1 + 1e-9) and high >= now * (1 - 1e-9), border)
    field.prune()
    inner, outer = max(low, now / 1000), min(high, now * 1000)
    rates = [low * (1 + 1e-7), high * (1 - 1e-7)]
    rates += [inner * (now / inner) ** (i / PROBES) for i in range(1, PROBES)]
    rates += [now * (outer / now) ** (i / PROBES) for i in range(PROBES)]
    for rate in rates:
        excess = field.excess(rate, ours)
        report.true("best at %.12g bit/s" % rate, excess < 1e-8, (border, excess))
    if field.complete:
        for rate, there in ((low * (1 - 1e-6), border["below"]), (high * (1 + 1e-6), border["above"])):
            report.true("no longer best at %.12g bit/s" % rate, not there or field.excess(rate, ours) > 0, border)
    field.set_uplink(now)


def run(case):
    """Asks kerf, and recomputes what it says."""
    report = Report()
    status, out, err = kerf("plan", *case.arguments(), "--json")
    answer, field = json.loads(out) if status in (0, 3) else None, Field(case)
    if status == 3:
        report.true("infeasible", not any(True for _ in field.feasible()), err)
    elif status == 0:
        scene = field.scenes[answer["power_mode"]]
        mask = compare_figures(report, scene, answer)
        compare_extremes(report, case, scene, answer)
        ours = scene, scene.sums(mask)
        cost = scene.cost(ours[1])
        report.true("the plan keeps its limits", case.allows(*ours) and case.keeps(cost))
        best = min(loss(of, c) for of, _, c in field.feasible())
        if field.complete:
            report.same("the optimum", loss(scene, cost), best)
        else:
            report.true("no cut of the operators' order is better", loss(scene, cost) <= best * (1 + 1e-9), best)
        report.same("the bound", answer["proof"]["bound"], answer["objective"]["value"])
        report.true("a proven optimum", answer["status"] == "optimal" and answer["proof"]["gap"] <= 1e-9, answer["proof"])
        if field.complete:
            compare_binding(report, case, answer, best)
        compare_alternatives(report, field, answer, answer["power_mode"])
        compare_break_even(report, field, answer, ours)
    else:
        report.true("status 0", False, "%d: %s" % (status, err))
    check(case.name(), not report.lines, "\n".join(report.lines[:20]))


# --- kerf inspect -----------------------------------------------------------------------------------------
def run_inspect(network, device, mode):
    """Costs per operator: what the group costs up to and with it, less what it costs up to it."""
    report = Report()
    status, out, err = kerf("inspect", network, "--device", device, "--power-mode", mode, "--json")
    answer = json.loads(out)
    scene = Case(network, device=device).scene(mode)
    placed = [o for o in answer["operators"] if not o["constant"]]
    for operator, got in zip(scene.network.operators, placed):
        group, i = scene.network.position[operator]
        for k, key in enumerate(("latency_s", "energy_J")):
            report.same("%s %s" % (operator.name, key), got[key],
                        scene.here.prefix[group][i + 1][k] - scene.here.prefix[group][i][k])
    totals = answer["totals"]
    for key in ("macs", "weight_bytes", "read_bytes", "write_bytes"):
        if key != "weight_bytes":
            report.same("total " + key, totals[key], sum(o[key] for o in placed))
    report.same("total weight_bytes", totals["weight_bytes"], scene.network.weight_bytes(scene.network.operators))
    for key in ("latency_s", "energy_J"):
        report.same("total " + key, totals[key],
                    sum(o[key] for o in placed) + totals["partition_" + key.split("_")[1]])
    check("inspect %s on %s, %s" % (network, device, mode), not report.lines, "\n".join(report.lines[:20]))


# --- the grid -----------------------------------------------------------------------------------------------
def bundled(kind):
    return sorted(os.path.basename(p)[:-5] for p in glob.glob("configs/%s/*.json" % kind))


NETWORKS = bundled("networks")
MODES = [(d, m["name"]) for d in bundled("devices") for m in recompute.load("configs/devices/%s.json" % d)["modes"]]
SERVERS = bundled("servers")
LINKS = bundled("links") + [CLI + "/links/mobile.json", CLI + "/links/plain.json", "tests/data/links/measured.json",
                            "tests/data/links/theory.json"]
OPTIONS = {
    "objective": ("energy", "latency", "throughput", "edp", "total-energy"), "wire": ("float32", "float16", "int8"),
    "input_size": (50e3, 700.0), "result": ("server",), "connection": ("cold", "warm", "new"),
    "uplink": (3e5, 4e6, 1.5e8), "downlink": (1e6, 3e8), "rtt": (0.0, 0.012, 0.18), "loss": (0.0005, 0.02),
    "gap": (0.3, 20.0), "server_load": (0.35, 0.9), "weights": ((1.0, 2.5), (0.3, 0.0)), "top": (3, 7),
    "power_mode": ("any",), "min_device_operators": (4,)}


def onnx_files():
    """Files of the reference data, with the input shapes that belong to them."""
    for path in sorted(glob.glob(ONNX + "/*.json")):
        reference, options = recompute.load(path), []
        for tensor in reference["inputs"]:
            if tensor["used"] and tensor["declared"] != tensor["used"]:
                options += ["--input", "%s=%s" % (tensor["name"], "x".join(map(str, tensor["used"])))]
        if "ssdlite" not in path:  # its sizes depend on data
            yield os.path.join(ONNX, reference["file"]), tuple(options)


def random_question(rng, most=5):
    device, mode = rng.choice(MODES)
    question = {"device": device, "power_mode": mode, "server": rng.choice(SERVERS), "link": rng.choice(LINKS)}
    for key in rng.sample(sorted(OPTIONS), rng.randrange(1, most + 1)):
        question[key] = rng.choice(OPTIONS[key])
    return question


def add_limits(rng, case):
    """One to three limits that some placements keep and others do not, and perhaps pins."""
    scene = next(iter(case.scenes().values()))
    candidates = scene.ideals(IDEALS) or [scene.sums(m) for m in scene.prefixes()]
    for key in rng.sample([*LIMITS, "device_memory", "min_device_operators", "pins"], rng.randrange(1, 4)):
        sums = rng.choice(candidates)
        if key == "device_memory":
            limit = scene.memory(sums.mask) if scene.memory(scene.full) is not None else None
        elif key == "min_device_operators":
            limit = bin(sums.mask).count("1")
        elif key == "pins":
            some = rng.sample(scene.network.operators, min(2, len(scene.network.operators)))
            limit = {o.name: "device" if scene.on_device(sums.mask, o) else "server" for o in some}
        else:
            limit = scene.cost(sums)[LIMITS[key]]
        if limit:
            case.q[key] = limit if key in ("pins", "min_device_operators") else limit * rng.choice((1.0, 1.01))
    return case


def random_case(rng, folder, number):
    """A network, a device, a server, a link and perhaps profiles of their own, and a question."""
    def write(kind, content):
        path = "%s/%d-%s.json" % (folder, number, kind)
        with open(path, "w") as file:
            json.dump(content, file)
        return path
    network = random_files.network(rng, rng.randrange(2, 16))
    question = {"device": write("device", random_files.device(rng)), "server": write("server", random_files.device(rng, 9)),
                "link": write("link", random_files.link(rng))}
    for key in rng.sample(sorted(OPTIONS), rng.randrange(0, 5)):
        question[key] = rng.choice(OPTIONS[key])
    for key in ("device_profile", "server_profile"):
        if rng.random() < 0.3:
            question[key] = write(key, random_files.profile(rng, [o["name"] for o in network["operators"]]))
    if rng.random() < 0.3:
        question["encoding"] = write("variants", random_files.variants(rng))
        question.pop("wire", None)
    case = Case(write("network", network), **question)
    return add_limits(rng, case) if rng.random() < 0.3 else case


# The formats' own examples.
TWO_LAYERS = """{"format": "kerf-network/1", "name": "two-layer",
 "inputs": [{"name": "x", "shape": [1,3,32,32], "type": "float32"}],
 "operators": [
   {"name": "c1", "type": "Conv", "inputs": ["x"], "outputs": ["y"],
    "attributes": {"out_channels": 64, "kernel_shape": [3,3], "pads": [1,1,1,1], "strides": [1,1], "group": 1}},
   {"name": "b1", "type": "Block", "inputs": ["y"], "outputs": ["z"],
    "macs": 1.0e6, "weight_bytes": 4096, "output_shapes": [[1,64,32,32]]}],
 "outputs": ["z"]}"""
TWO_LAYERS_MEASURED = """{"format": "kerf-profile/1", "network": "two-layer", "source": "where and how measured",
 "operators": {"c1": {"latency": "3.1 ms", "energy": "23 mJ"}, "b1": {"latency": "1 ms", "energy": "5 mJ"}}}"""


def stretch():
    """With a deadline, all on the server is best above 7.2 Mbit/s and from 0.8 to 1.6, and a cut in the middle
    between those, where it keeps the deadline and sends less."""
    zero = {"per_byte": "0 s/B", "launch": "0 s", "partition": "0 s", "form": "sum"}
    none = {"provenance": "none", "fit": "none", "assumptions": "all", "description": "made up"}
    files = {
        "network": {"format": "kerf-network/1", "name": "stretch", "inputs": [{"name": "x", "shape": [1, 250000]}],
                    "operators": [{"name": "a", "type": "Block", "inputs": ["x"], "outputs": ["y"], "macs": 1e9,
                                   "output_shapes": [[1, 25000]]},
                                  {"name": "b", "type": "Block", "inputs": ["y"], "outputs": ["z"], "macs": 1e9,
                                   "output_shapes": [[1, 25]]}], "outputs": ["z"]},
        "device": {"format": "kerf-device/1", "name": "slow", **none, "modes": [
            {"name": "one", "latency": {**zero, "per_mac": {"default": "9.5 ns/MAC"}}, "idle": "1 W",
             "energy": {"form": "classes", "per_mac": {"default": "1 nJ/MAC"}, "per_byte": "0 J/B", "launch": "0 J",
                        "partition": "0 J"}}]},
        "server": {"format": "kerf-device/1", "name": "fast", **none, "modes": [
            {"name": "one", "latency": {**zero, "per_mac": {"default": "0 s/MAC"}}, "idle": "1 W",
             "energy": {"form": "power", "active": "1 W"}}]},
        "link": {"format": "kerf-link/1", "uplink": "20 Mbit/s", "downlink": "1 Gbit/s", "rtt": "0 s"}}
    with tempfile.TemporaryDirectory() as folder:
        paths = {kind: "%s/%s.json" % (folder, kind) for kind in files}
        for kind, path in paths.items():
            with open(path, "w") as file:
                json.dump(files[kind], file)
        network = paths.pop("network")
        for rate in (20e6, 3e6, 1.2e6):
            run(Case(network, uplink=rate, deadline=10.0, **paths))


def main():
    rng = random.Random(2022)
    for i, network in enumerate(NETWORKS):
        device, mode = MODES[i % len(MODES)]
        run(Case(network, top=4))
        run(Case(network, top=4, device=device, power_mode=mode, server=SERVERS[i % len(SERVERS)],
                 link=LINKS[i % len(LINKS)], objective=OPTIONS["objective"][i % 5]))
        if FULL or i % 4 == 0:
            run_inspect(network, device, mode)
    for i in range(50 if FULL else 8):
        case = Case(rng.choice(NETWORKS), **random_question(rng))
        run(add_limits(rng, case) if i % 4 == 3 else case)
    stretch()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("network", TWO_LAYERS), ("profile", TWO_LAYERS_MEASURED)):
            with open("%s/%s.json" % (folder, name), "w") as file:
                file.write(text)
        run(Case(folder + "/network.json", top=3))
        run(Case(folder + "/network.json", device_profile=folder + "/profile.json", objective="edp", top=3))
    for network, question in (("chain", {}), ("chain", {"device_profile": CLI + "/profiles/chain.json"}),
                              ("chain", {"server_profile": CLI + "/profiles/chain.json", "objective": "latency"}),
                              ("diamond", {"top": 5}), ("diamond", {"power_mode": "any", "objective": "edp"})):
        run(Case("%s/networks/%s.json" % (CLI, network), device=CLI + "/devices/board.json",
                 server=CLI + "/servers/box.json", link=CLI + "/links/mobile.json", **question))
    files = list(onnx_files())
    for network, options in files if FULL else rng.sample(files, min(6, len(files))):
        run(Case(network, options, **random_question(rng), solver="auto"))
    if not files:
        tap.skip("ONNX files", "no reference data beside this tree")
    with tempfile.TemporaryDirectory() as folder:
        for i in range(600 if FULL else 150):
            run(random_case(random.Random(i), folder, i))
    tap.done()


if __name__ == "__main__":
    main()
