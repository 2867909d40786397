"""Choosing power mode, encoding and network variant with the cut: --variants, --wire, --min-accuracy."""
import csv
import io
import itertools
import json
import os
import random
import tempfile

import tap
from tap import DATA, check, close, fails, golden, kerf, plan

SCENE = ("--device", "board", "--server", "box", "--link", "plain")
FILE = DATA + "/variants/chain.json"
ANY = ("chain", *SCENE, "--variants", FILE, "--power-mode", "any", "--wire", "any")
with open(FILE) as file:
    GOOD = json.load(file)

golden("plan-variants.txt", kerf("plan", *ANY, "--min-accuracy", "0.7", "--deadline", "80 ms")[1])
golden("plan-variants.csv", kerf("plan", *ANY, "--objective", "latency", "--csv")[1])
golden("plan-wire-any.txt", kerf("plan", "chain", *SCENE, "--wire", "any", "--input-size", "20 kB")[1])

try:
    import jsonschema
    with open("configs/schema/plan.json") as file:
        SCHEMA = json.load(file)
    with open("configs/schema/variants.json") as file:
        VARIANTS = json.load(file)
except ImportError:
    jsonschema = None


def fits(name, document, schema):
    if not jsonschema:
        tap.skip(name, "python3-jsonschema is not installed")
        return
    validator = jsonschema.validators.validator_for(schema)(schema)
    errors = [e.message[:200] for e in validator.iter_errors(document)]
    check(name, not errors, "\n".join(errors))


fits("the variants file fits its schema", GOOD, VARIANTS)

# --- the joint answer is the best of all single ones ---------------------------------------------------
with tempfile.TemporaryDirectory() as folder:
    def write(name, document):
        path = os.path.join(folder, name)
        with open(path, "w") as out:
            json.dump(document, out)
        return path

    def absolute(variant):
        """The file is elsewhere now."""
        variant = dict(variant)
        if "/" in variant.get("network", ""):
            variant["network"] = DATA + "/networks/chain.json"
        return variant

    def better(a, b, objective):
        return a > b if objective == "throughput" else a < b

    def single(variant, mode, encoding, *question):
        """The answer of one combination: a file whose only variant is NETWORK itself is not asked."""
        document = dict(GOOD, variants=[absolute(variant)])
        path = write("one.json", document)
        status, out, _ = kerf("plan", "diamond", *SCENE, "--variants", path, "--power-mode", mode, "--wire", encoding,
                              "--json", *question)
        return status, json.loads(out)

    # Only the listed variant may answer: NETWORK is pinned to what cannot be had for it.
    EXPENSIVE = {"format": "kerf-network/1", "name": "diamond", "inputs": [{"name": "x", "shape": [1]}],
                 "operators": [{"name": "b", "type": "Block", "inputs": ["x"], "outputs": ["y"], "macs": 1e15,
                                "output_shapes": [[1]]}], "outputs": ["y"]}
    os.mkdir(os.path.join(folder, "networks"))
    write("networks/diamond.json", EXPENSIVE)
    tap.ENV["KERF_PATH"] = folder + ":" + DATA
    for objective, limits in itertools.product(
            ("energy", "latency", "throughput", "edp"),
            ((), ("--deadline", "70 ms"), ("--max-bytes", "3 kB", "--energy-budget", "300 mJ"))):
        question = ("--objective", objective, *limits)
        best = None
        for variant, mode, encoding in itertools.product(GOOD["variants"], ("full", "eco"), ("own", "int8z", "half")):
            if variant["name"] == "exit":
                variant = dict(variant, network=DATA + "/networks/chain.json")
            status, answer = single(variant, mode, encoding, *question)
            if status == 0 and answer["variant"] == variant["name"]:
                value = answer["objective"]["value"]
                if best is None or better(value, best, objective):
                    best = value
        status, out, err = kerf("plan", *ANY, "--json", *question)
        joint = json.loads(out)
        name = " ".join(question)
        if best is None:
            check("infeasible: " + name, status == 3, err)
            continue
        check("as the best of single ones: " + name, status == 0 and close(joint["objective"]["value"], best),
              "%s, expected %s" % (joint.get("objective"), best))
        fits("its schema: " + name, joint, SCHEMA)
        by = [(r["by"], r[r["by"]]) for r in joint["rivals"]]
        check("all others are listed: " + name, len(by) == 5 and len(set(by)) == 5
              and all(joint[kind] != value for kind, value in by), by)
        check("and none is better: " + name,
              not any(r["feasible"] and better(r["objective"], joint["objective"]["value"] * (
                  1 + 1e-9 if objective == "throughput" else 1 - 1e-9), objective) for r in joint["rivals"]), by)
    tap.ENV["KERF_PATH"] = DATA

    # --- accuracy ------------------------------------------------------------------------------------
    answer = plan(*ANY, "--min-accuracy", "0.75")
    check("min-accuracy: the only variant", answer["variant"] == "full" and answer["accuracy"] >= 0.75, answer)
    answer = plan(*ANY, "--min-accuracy", "0.8")
    check("an encoding that loses is for what does not cross", answer["accuracy"] == 0.8, answer["accuracy"])
    answer = plan("chain", *SCENE, "--variants", FILE, "--wire", "int8z", "--min-accuracy", "80 %")
    check("all on the device loses nothing", answer["cut"]["tensors"] == [] and answer["accuracy"] == 0.8, answer)
    check("which binds", answer["binding"] in ([], ["min-accuracy"]), answer["binding"])
    status, out, err = kerf("plan", *ANY, "--min-accuracy", "0.9")
    check("no variant is accurate enough", status == 3 and "min-accuracy 0.9" in err and "reaches 0.8" in err, err)
    status, out, err = kerf("plan", *ANY, "--min-accuracy", "0.75", "--deadline", "5 ms")
    check("limits that clash with it", status == 3 and "min-accuracy" in err and "deadline" in err, err)
    fails("min-accuracy without variants", 2, ["plan", "chain", "--min-accuracy", "0.7"], "min accuracy", "variants")
    unknown = write("unknown.json", dict(GOOD, variants=[{"name": "full", "network": "chain"}]))
    fails("an accuracy that is not known", 2,
          ["plan", "chain", *SCENE, "--variants", unknown, "--min-accuracy", "0.7"], "full", "no known accuracy")
    fails("NETWORK, not listed, has none", 2,
          ["plan", "diamond", *SCENE, "--variants", write("other.json", dict(GOOD, variants=GOOD["variants"][:1])),
           "--min-accuracy", "0.7"], "diamond", "no known accuracy")
    typed = write("typed.json", {"format": "kerf-variants/1", "variants": GOOD["variants"][:1]})
    fails("a type's loss is not known", 2,
          ["plan", "chain", *SCENE, "--variants", typed, "--wire", "any", "--min-accuracy", "0.7"],
          "no known accuracy loss")

    # --- what is chosen from -------------------------------------------------------------------------
    answer = plan("chain", *SCENE, "--variants", FILE)
    check("the own types by default", answer["encoding"] is None and answer["wire"] == "own", answer["encoding"])
    answer = plan("chain", *SCENE, "--variants", FILE, "--wire", "half", "--uplink", "1 Gbit/s", "--pin", "head=server")
    check("an encoding by name", answer["encoding"] == "half" and answer["wire"] == "float16", answer["encoding"])
    check("a pin holds by name, and who lacks it is not chosen", answer["variant"] != "exit"
          and "head" in answer["cut"]["server_operators"], answer["variant"])
    status, out, err = kerf("plan", "chain", *SCENE, "--variants", FILE, "--pin", "head=server")
    check("which is said", status == 0 and "variant 'exit' lacks the pinned operator 'head'" in err, err)
    fails("no such encoding", 2, ["plan", "chain", *SCENE, "--variants", FILE, "--wire", "zip"], "--wire: 'zip'",
          "int8z")
    only = write("exit.json", {"format": "kerf-variants/1", "variants": [{"name": "exit", "outputs": ["t4"]}]})
    answer = plan("chain", *SCENE, "--variants", only)
    check("NETWORK is a variant too", [r["variant"] for r in answer["rivals"]] == ["chain"], answer["rivals"])
    check("an early exit is the part that it needs", answer["variant"] == "exit"
          and answer["network"]["operators"] == 4, answer["network"])
    measured = plan("chain", *SCENE, "--variants", only, "--device-profile", DATA + "/profiles/chain.json")
    check("and takes NETWORK's measured figures", measured["measured"]["device_operators"] > 0, measured["measured"])
    measured = plan("chain", *SCENE, "--variants", only, "--device-profile", DATA + "/profiles/chain-groups.json")
    check("of groups, those that it has all of", measured["variant"] == "exit"
          and measured["measured"]["device_operators"] == 4
          and close(measured["cost"]["latency"]["device_s"], 1e-3 + 2e-3 + 3e-3), measured["cost"])
    answer = plan("chain", *SCENE, "--wire", "any", "--uplink", "1 Mbit/s", "--result", "server", "--pin", "head=server",
                  "--pin", "conv1=device")
    check("--wire any without a file: the smallest type", answer["encoding"] == "int8" and answer["accuracy"] is None,
          answer["encoding"])
    ids = [plan("chain", *SCENE, "--variants", FILE, "--wire", w, "--power-mode", m)["cut_id"]
           for w in ("own", "half") for m in ("full", "eco")]
    check("cut ids differ", len(set(ids)) == 4, ids)
    check("and stay", plan("chain", *SCENE)["cut_id"] == plan("chain", *SCENE)["cut_id"])
    rows = list(csv.DictReader(io.StringIO(kerf("plan", *ANY, "--csv")[1])))
    check("CSV names the choice", rows[0]["variant"] and rows[0]["encoding"] and rows[0]["power_mode"]
          and len([r for r in rows if r["option"].startswith("other_")]) == 5, rows)

    # --- split -------------------------------------------------------------------------------------------
    def split(*arguments):
        return ["split", *arguments, "--head", folder + "/h.onnx", "--tail", folder + "/t.onnx", "--force"]

    fails("split: another network was chosen", 1, split("chain", *SCENE, "--variants", FILE), "variant", "another network")
    crossing = ("--pin", "conv1=device", "--pin", "head=server")
    fails("split: the parts cannot compress", 1, split("chain", *SCENE, "--variants", write(
        "full.json", dict(GOOD, variants=GOOD["variants"][:1])), "--wire", "int8z", *crossing), "int8z", "compresses")
    for wire, name in (("half", "float16"), ("any", None)):
        full = dict(GOOD, variants=GOOD["variants"][:1], encodings=GOOD["encodings"][::2])
        question = ("chain", *SCENE, "--variants", write("full.json", full), "--wire", wire, *crossing)
        answer = plan(*question)
        status, out, err = kerf(*split(*question), "--json", "--quiet")
        check("split: the chosen type, " + wire, status == 0 and json.loads(out)["wire"] == answer["wire"]
              and name in (None, answer["wire"]), err + out[:300])
        made = write("plan.json", answer)
        status, out, err = kerf(*split("chain", "--plan", made), "--json", "--quiet")
        check("split: from the plan, " + wire, status == 0 and json.loads(out)["wire"] == answer["wire"], err)
    answer["variant"], answer["network"]["macs"] = "small", 17
    fails("split: a plan for another variant", 1, split("chain", "--plan", write("plan.json", answer)), "/variant",
          "another variant")
    answer["variant"], answer["wire_ratio"] = None, 0.5
    fails("split: a plan that compresses", 1, split("chain", "--plan", write("plan.json", answer)), "/wire_ratio",
          "compresses")

    # --- what is refused -----------------------------------------------------------------------------------
    def variant(**changes):
        return dict(GOOD, variants=[dict(GOOD["variants"][0], **changes)])

    def encoding(**changes):
        return dict(GOOD, encodings=[dict(GOOD["encodings"][1], **changes)])

    BAD = {
        "no format": ({"variants": []}, "", "format"),
        "another format": (dict(GOOD, format="kerf-variants/2"), "/format", "kerf-variants/1"),
        "no variants": ({"format": "kerf-variants/1"}, "", "variants"),
        "an unknown key": ({"format": "kerf-variants/1", "variants": [], "variant": []}, "/variant", "unknown key"),
        "an unknown key of a variant": (variant(acuracy=1), "/variants/0/acuracy", "unknown key"),
        "an unknown key of an encoding": (encoding(cost=1), "/encodings/0/cost", ""),
        "a variant without a name": (dict(GOOD, variants=[{}]), "/variants/0", "name"),
        "an empty name": (variant(name=""), "/variants/0/name", "1 to 63"),
        "a name with a space": (variant(name="a b"), "/variants/0/name", "space"),
        "a long name": (variant(name="a" * 64), "/variants/0/name", "1 to 63"),
        "a name twice": (dict(GOOD, variants=GOOD["variants"][:1] * 2), "/variants/1", "second"),
        "an encoding twice": (dict(GOOD, encodings=GOOD["encodings"][:1] * 2), "/encodings/1", "second"),
        "an encoding named any": (encoding(name="any"), "/encodings/0", "any"),
        "an accuracy above 1": (variant(accuracy=71.8), "/variants/0/accuracy", ""),
        "an accuracy in words": (variant(accuracy="good"), "/variants/0/accuracy", "number"),
        "an accuracy below 0": (variant(accuracy=-0.1), "/variants/0/accuracy", ""),
        "no such network": (variant(network="chian"), "/variants/0/network", "chain"),
        "no such file": (variant(network="./chain.onnx"), "chain.onnx", "No such file"),
        "no such output": (variant(outputs=["nothing"]), "chain.json", "'nothing'"),
        "an output twice": (variant(outputs=["t1", "t1"]), "chain.json", "twice"),
        "an input as output": (variant(outputs=["image"]), "chain.json", "'image'"),
        "no outputs": (variant(outputs=[]), "/variants/0/outputs", "1 to"),
        "an output that is none": (variant(outputs=[1]), "/variants/0/outputs/0", "string"),
        "a shape of an unknown input": (variant(shapes={"picture": [1]}), "chain.json", "picture"),
        "a shape of 0": (variant(shapes={"image": [0]}), "/variants/0/shapes/image/0", ""),
        "a shape of too many dimensions": (variant(shapes={"image": [1] * 17}), "/variants/0/shapes/image", "16"),
        "a shape that clashes": (variant(shapes={"image": [1, 3]}), "chain.json", ""),
        "an input size without a unit": (variant(input_size="12"), "/variants/0/input_size", "size"),
        "no such profile": (variant(device_profile="none.json"), "none.json", "No such file"),
        "no encodings": (dict(GOOD, encodings=[]), "/encodings", "1 to"),
        "too many encodings": (dict(GOOD, encodings=GOOD["encodings"][:1] * 101), "/encodings", "100"),
        "too many variants": (dict(GOOD, variants=GOOD["variants"][:1] * 1001), "/variants", "1000"),
        "an unknown type": (encoding(type="int4"), "/encodings/0/type", "int8"),
        "a ratio of 0": (encoding(ratio=0), "/encodings/0/ratio", ""),
        "a ratio above 1": (encoding(ratio=1.5), "/encodings/0/ratio", ""),
        "a cost per MAC": (encoding(device_time="1 ns/MAC"), "/encodings/0/device_time", "per byte"),
        "a negative cost": (encoding(server_energy="-1 nJ/B"), "/encodings/0/server_energy", ""),
        "a loss above 1": (encoding(accuracy_loss=2), "/encodings/0/accuracy_loss", ""),
        "a list": ([], "", ""),
    }
    for name, (document, where, text) in BAD.items():
        fails(name, 1, ["plan", "chain", *SCENE, "--variants", write("bad.json", document)], where, text)
    with open(os.path.join(folder, "broken.json"), "w") as out:
        out.write('{"format": "kerf-variants/1", "variants": [')
    fails("no JSON", 1, ["plan", "chain", "--variants", folder + "/broken.json"], "1:")
    # --- and what is mangled --------------------------------------------------------------------------------
    rng = random.Random(int(os.environ.get("KERF_SEED", "7")))
    text, strange = json.dumps(GOOD), 0
    words = ("null", "-1", "1e999", "[]", "{}", '""', '"any"', "0.5", '"1 GB"', '"\\u0000"', '"chain"', "1e-320", "true")
    for i in range(1500 if os.environ.get("KERF_TEST_FULL") else 150):
        mangled = list(text)
        for _ in range(rng.randrange(1, 4)):
            at, length = rng.randrange(len(mangled)), rng.randrange(1, 12)
            mangled[at:at + length] = rng.choice((rng.choice(words), rng.choice('{}[]",:x0\x7f'), "",
                                                  "".join(mangled[at:at + length]) * 2))
        with open(os.path.join(folder, "mangled.json"), "w") as out:
            out.write("".join(mangled))
        status, out, err = kerf("plan", *ANY[:-6], "--variants", folder + "/mangled.json", "--wire", "any", "--csv")
        lines = [line for line in err.splitlines() if "warning" not in line]
        if not (status in (0, 2, 3) and len(lines) == (status != 0) or status == 1 and out == "" and len(lines) == 1):
            strange += 1
            print("# seed case %d: status %d, %r" % (i, status, err[:300]))
    check("mangled files are read or refused in one line", strange == 0)
    fails("no file", 1, ["plan", "chain", "--variants", folder + "/none.json"], "No such file")
tap.done()
