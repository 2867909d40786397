"""Networks with weights compute the same whole and cut in two by kerf split: in ONNX Runtime without
its optimisations, bit for bit where tensors are sent in their own type, and within a stated tolerance
as float16 or int8.

KERF_TEST_FULL=1 tries every cut of the small networks in file order; KERF_SEED chooses the others."""
import json
import os
import random

import harness
import networks
from harness import Runner, same_bits
from tap import check, done, kerf, skip

scratch = harness.prepare("numbers of split networks")
import numpy  # noqa: E402  (may be absent before)
import onnx  # noqa: E402

FULL = os.environ.get("KERF_TEST_FULL") == "1"
SEED = int(os.environ.get("KERF_SEED", "1"))
FOLDER = scratch.name
REFERENCE = "../shared/data/onnx/full"
# Largest error of a result, as a share of the range of its values. Half a step of the wire encoding
# (2^-12 of a value; 1/254 of a tensor's largest magnitude, or 1/510 of its range as uint8) for a tensor, times what the layers behind amplify it.
TOLERANCE = {"float16": 1e-3, "int8": 2e-2, "uint8": 2e-2}


class Network:
    """A network on disk, what kerf knows of its operators, and what it computes."""

    def __init__(self, name, path, runner, options=(), dims=None, values=None):
        self.name, self.path, self.options = name, path, list(options)
        self.model = onnx.load(path, load_external_data=False)
        weights = {w.name for w in self.model.graph.initializer}
        self.inputs = {}
        for i, info in enumerate(v for v in self.model.graph.input if v.name not in weights):
            value = (values or {}).get(info.name)
            self.inputs[info.name] = networks.random_input(info, i + 1, dims) if value is None else value
        status, out, err = kerf("inspect", path, "--json", *self.options)
        assert status == 0, err
        self.operators = [o for o in json.loads(out)["operators"] if not o["constant"]]
        status, out, err = kerf("plan", path, "--json", *self.options)
        assert status == 0, err
        self.plan = json.loads(out)
        self.whole = runner.run(path, self.inputs)

    def order(self, generator=None):
        """The operators' names in file order, or in a random one that keeps producers before users."""
        names = [o["name"] for o in self.operators]
        if generator is None:
            return names
        makers = {t["name"]: o["name"] for o in self.operators for t in o["outputs"]}
        needs = {o["name"]: {makers[t] for t in o["inputs"] if t in makers} for o in self.operators}
        done_, left = [], list(names)
        while left:
            ready = [n for n in left if needs[n].issubset(done_)]
            # Going on near the last one mostly makes long, ragged fronts.
            pick = generator.choice(ready[-2:] if generator.random() < 0.7 else ready)
            done_.append(pick)
            left.remove(pick)
        return done_

    def keeps_calls(self, device):
        """Whether every call of a function of the model's own is on one side, as it must be."""
        own = {(f.domain, f.name) for f in self.model.functions}
        for call in (n.name + "/" for n in self.model.graph.node if (n.domain, n.op_type) in own):
            body = [o["name"] for o in self.operators if o["name"].startswith(call)]
            if 0 < len(set(body) & set(device)) < len(body):
                return False
        return True

    def cuts(self, count, shuffled):
        """Device parts: evenly spaced in file order, and of random orders."""
        names = self.order()
        found = [names[:k] for k in range(1, len(names)) if self.keeps_calls(names[:k])]
        if count < len(found):
            places = {round(i * (len(found) - 1) / max(count - 1, 1)) for i in range(count)}
            found = [found[k] for k in sorted(places)]
        generator = random.Random("%d %s" % (SEED, self.name))
        shuffles = (self.order(generator)[:generator.randrange(1, len(names))] for _ in range(shuffled))
        return found + [device for device in shuffles if self.keeps_calls(device)]

    def split(self, device, *options):
        """Splits; returns the manifest, or raises."""
        chosen = set(device)
        plan = json.loads(json.dumps(self.plan))
        for side, inside in (("device_operators", True), ("server_operators", False)):
            plan["cut"][side] = [o["name"] for o in self.operators if (o["name"] in chosen) == inside]
        files = {f: os.path.join(FOLDER, f) for f in ("plan.json", "head.onnx", "tail.onnx", "split.json")}
        with open(files["plan.json"], "w") as file:
            json.dump(plan, file)
        status, _, err = kerf("split", self.path, "--plan", files["plan.json"], "--head", files["head.onnx"],
                              "--tail", files["tail.onnx"], "--manifest", files["split.json"], "--force",
                              *self.options, *options)
        if status != 0:
            raise RuntimeError("status %d: %s" % (status, err))
        with open(files["split.json"]) as file:
            return json.load(file)


def needed(part, values):
    """Of the values those that are inputs of the head or the tail just written."""
    graph = onnx.load(os.path.join(FOLDER, part + ".onnx"), load_external_data=False).graph
    weights = {w.name for w in graph.initializer}
    return {i.name: values[i.name] for i in graph.input if i.name not in weights}


def run_part(runner, part, values):
    return runner.run(os.path.join(FOLDER, part + ".onnx"), needed(part, values))


def run_split(runner, network):
    """The head, then the tail on what it sends: results by name, and all values by name."""
    values = dict(network.inputs)
    head = run_part(runner, "head", values)
    values.update(head)
    values.update(run_part(runner, "tail", values))
    return {name: values[name] for name in network.whole}, values


def describe(network, device):
    return "%s, %d of %d operators on the device, to %s" % (
        network.name, len(device), len(network.operators), device[-1])


def test_exact(runner, network, cuts):
    """One test per network: the first cut that is wrong is told."""
    problem, crossing = "", []
    for device in cuts:
        try:
            manifest = network.split(device)
            results, _ = run_split(runner, network)
        except (RuntimeError, KeyError) as error:
            problem = "%s: %s: %s" % (describe(network, device), type(error).__name__, error)
            break
        crossing.append(len(manifest["crossing"]))
        wrong = [n for n in results if not same_bits(results[n], network.whole[n])]
        if wrong:
            problem = "%s: another result: %s" % (describe(network, device), wrong)
            break
    check("%s: %d cuts, up to %d tensors across: bit for bit" % (
        network.name, len(cuts), max(crossing, default=0)), problem == "", problem)


def quantise(values, scale, zero_point, wire_type):
    """QuantizeLinear, as ONNX defines it."""
    steps = numpy.rint(values / numpy.float32(scale)) + zero_point
    limits = numpy.iinfo(wire_type)
    return numpy.clip(steps, limits.min, limits.max).astype(wire_type)


def calibrate(runner, network, device, wire):
    """Splits in float32 and returns the values that cross, with the file of their ranges."""
    manifest = network.split(device)
    _, values = run_split(runner, network)
    floats = {c["name"]: values[c["name"]] for c in manifest["crossing"] if c["type"] == "float32"}
    path = os.path.join(FOLDER, "ranges.json")
    with open(path, "w") as file:
        json.dump({"format": "kerf-ranges/1", "tensors": {
            n: {"min": float(min(v.min(), 0)), "max": float(max(v.max(), 1e-3)),
                **({"type": "uint8"} if wire == "uint8" else {})} for n, v in floats.items()}}, file)
    return floats, path


def sent_wrongly(entry, exact, sent):
    """Whether a tensor on the wire is not just what its encoding makes of the exact one."""
    if entry["wire_type"] == "float16":
        return not same_bits(sent, exact.astype(numpy.float16))
    expected = quantise(exact, entry["scale"], entry["zero_point"], entry["wire_type"])
    # Between two steps, a quotient rounded otherwise may fall on either.
    difference = sent.astype(int) - expected.astype(int)
    return sent.dtype != expected.dtype or numpy.abs(difference).max() > 1


def test_wire(runner, network, cuts, wire):
    problem, worst = "", 0.0
    for device in cuts:
        try:
            exact, ranges = calibrate(runner, network, device, wire)
            options = ["--wire", "float16"] if wire == "float16" else ["--wire", "int8", "--ranges", ranges]
            manifest = network.split(device, *options)
            results, values = run_split(runner, network)
        except (RuntimeError, KeyError) as error:
            problem = "%s: %s: %s" % (describe(network, device), type(error).__name__, error)
            break
        encoded = [c for c in manifest["crossing"] if c["wire_type"] != c["type"]]
        other = [c["wire_type"] for c in encoded if c["wire_type"] != wire]
        if other:
            problem = "%s: sent as %s" % (describe(network, device), other)
        made = [c for c in encoded if c["wire_name"] in values]
        for entry in made:
            if sent_wrongly(entry, exact[entry["name"]], values[entry["wire_name"]]):
                problem = "%s: '%s' is not as encoded" % (describe(network, device), entry["wire_name"])
        if not made:
            problem = "%s: nothing was encoded" % describe(network, device)
        for name, expected in network.whole.items():
            error = numpy.abs(results[name] - expected).max() / numpy.ptp(expected)
            worst = max(worst, float(error))
        if problem:
            break
    check("%s: %d cuts as %s: within %g of the range" % (network.name, len(cuts), wire, TOLERANCE[wire]),
          problem == "" and worst <= TOLERANCE[wire], "%s worst %g" % (problem, worst))
    print("# worst error %.2g of the range" % worst)


def small_networks(runner):
    for name, model in networks.networks():
        path = os.path.join(FOLDER, name + ".onnx")
        onnx.save(model, path)
        # Parts keep dynamic dimensions: planned for a batch of 1, run with 3.
        yield Network(name, path, runner, dims={"N": 3})
    path = os.path.join(FOLDER, "external.onnx")
    onnx.save_model(networks.residual(), path, save_as_external_data=True, location="external.weights",
                    size_threshold=0)
    yield Network("external", path, runner)


def reference_networks(runner):
    sampling_rate = numpy.array(16000, numpy.int64)
    voice = {"input": numpy.random.default_rng(1).standard_normal((1, 576)).astype(numpy.float32),
             "state": numpy.zeros((2, 1, 128), numpy.float32), "sr": sampling_rate}
    for name, options, values in (("tv_mobilenet_v2", [], None), ("tv_mobilenet_v3_small", [], None),
                                  ("yolox_nano", [], None),
                                  ("silero_vad", ["--input", "input=1x576", "--input", "state=2x1x128"], voice)):
        path = os.path.join(REFERENCE, name + ".onnx")
        if os.path.exists(path):
            yield Network(name, path, runner, options, values=values)
        else:
            skip(name, "no reference data")


def main():
    print("# KERF_SEED=%d" % SEED)
    with Runner(FOLDER) as runner:
        for network in small_networks(runner):
            test_exact(runner, network, network.cuts(1000 if FULL else 5, 20 if FULL else 2))
            if network.name in ("chain", "residual", "branching", "attention", "recurrent"):
                for wire in ("float16", "int8", "uint8"):
                    test_wire(runner, network, network.cuts(12 if FULL else 2, 6 if FULL else 1), wire)
        for network in reference_networks(runner):
            test_exact(runner, network, network.cuts(12 if FULL else 2, 6 if FULL else 1))
    scratch.cleanup()
    done()


main()
