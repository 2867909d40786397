"""Every bundled file against the JSON Schema of its kind, and the generator against its output."""
import glob
import json
import os
import subprocess
import sys
import tempfile

KINDS = {"networks": "network", "devices": "device", "servers": "device", "links": "link",
         "scenarios": "scenario", "variants": "variants"}
COUNT = 0
FAILED = 0


def result(good, name, why=""):
    global COUNT, FAILED
    COUNT += 1
    FAILED += not good
    print(f"{'ok' if good else 'not ok'} {COUNT} - {name}")
    for line in why.splitlines()[:6]:
        print("#", line)


def skip(name, why):
    global COUNT
    COUNT += 1
    print(f"ok {COUNT} - {name} # SKIP {why}")


def schema_of(folder):
    """configs/schema/<kind>.json; servers may have a schema of their own or share the devices'."""
    for kind in (folder.rstrip("s"), KINDS[folder]):
        path = f"configs/schema/{kind}.json"
        if os.path.exists(path):
            return path
    return None


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def check_folder(jsonschema, folder):
    files = sorted(glob.glob(f"configs/{folder}/*.json"))
    path = schema_of(folder)
    if not files:
        return
    if path is None:
        result(False, f"configs/{folder} has a schema")
        return
    schema = load(path)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    for name in files:
        problems = ["/".join(map(str, e.absolute_path)) + ": " + e.message[:200]
                    for e in validator(schema).iter_errors(load(name))]
        result(not problems, f"{name} fits {path}", "\n".join(problems))


def breaks(document, *path, value=None):
    """The document with the value at a path replaced, or removed if that is None."""
    document = json.loads(json.dumps(document))
    at = document
    for key in path[:-1]:
        at = at[key]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return document


def check_refusals(jsonschema):
    """A schema that takes everything would pass all of the above."""
    schema = load("configs/schema/network.json")
    validator = jsonschema.validators.validator_for(schema)(schema)
    good = {"format": "kerf-network/1", "name": "n",
            "inputs": [{"name": "x", "shape": [1, 3, 32, 32]}],
            "operators": [{"type": "Block", "inputs": ["x"], "outputs": ["y"], "macs": 1.0e6,
                           "output_shapes": [[1, 2]]}],
            "outputs": ["y"]}
    result(validator.is_valid(good), "network schema: a network of one block fits")
    everything = load("tests/data/networks/everything.json")
    result(validator.is_valid(everything), "network schema: all that the loader takes fits",
           "\n".join(e.message[:200] for e in validator.iter_errors(everything)))
    block = ("operators", 0)
    for what, bad in [
            ("no name", breaks(good, "name")),
            ("other format", breaks(good, "format", value="kerf-network/2")),
            ("unknown key", breaks(good, "ouputs", value=[])),
            ("negative dimension", breaks(good, "inputs", 0, "shape", value=[-2])),
            ("unknown type", breaks(good, "inputs", 0, "type", value="float")),
            ("no operators", breaks(good, "operators", value=[])),
            ("negative MACs", breaks(good, *block, "macs", value=-1)),
            ("a block without sizes", breaks(good, *block, "output_shapes")),
            ("a block with two sizes", breaks(good, *block, "output_bytes", value=4)),
            ("figures of another operator", breaks(good, *block, "type", value="Relu"))]:
        result(not validator.is_valid(bad), f"network schema: {what} does not fit")


def check_generated():
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([sys.executable, "configs/networks/generate.py", folder],
                             capture_output=True, text=True)
        result(run.returncode == 0, "configs/networks/generate.py runs", run.stderr)
        made = {os.path.basename(p) for p in glob.glob(folder + "/*.json")}
        kept = {os.path.basename(p) for p in glob.glob("configs/networks/*.json")}
        result(made == kept, "it writes every bundled network, and no other",
               " ".join(sorted(made ^ kept)))
        for name in sorted(made & kept):
            with open(os.path.join(folder, name), "rb") as a, \
                    open(os.path.join("configs/networks", name), "rb") as b:
                result(a.read() == b.read(), f"configs/networks/{name} is what it writes")


def main():
    try:
        import jsonschema
        for folder in KINDS:
            check_folder(jsonschema, folder)
        check_refusals(jsonschema)
    except ImportError:
        skip("schemas", "python3-jsonschema is not installed")
    check_generated()
    print(f"1..{COUNT}")
    return FAILED > 0


sys.exit(main())
