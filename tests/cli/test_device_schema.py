"""configs/schema/{device,profile}.json accept the bundled files and refuse what the loaders refuse."""
import copy
import glob
import json
import sys

try:
    import jsonschema
except ImportError:
    print("1..1\nok 1 - device and profile schemas # SKIP python3-jsonschema is not installed")
    sys.exit(0)

results = []


def check(name, passed):
    results.append(passed)
    print("%s %d - %s" % ("ok" if passed else "not ok", len(results), name))


def validator(path):
    schema = json.load(open(path))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def edited(document, path, value):
    """A copy with the value at `path` replaced; None removes it."""
    result = copy.deepcopy(document)
    at = result
    for key in path[:-1]:
        at = at[key]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return result


device = validator("configs/schema/device.json")
profile = validator("configs/schema/profile.json")

for path in sorted(glob.glob("configs/devices/*.json") + glob.glob("configs/servers/*.json")):
    errors = list(device.iter_errors(json.load(open(path))))
    for error in errors:
        print("# %s: %s" % (path, error.message))
    check(path, not errors)

good = json.load(open("configs/devices/jetson-tx2.json"))
mode = ["modes", 0]
for path, value in (
        (["format"], "kerf-device/2"), (["name"], "a b"), (["name"], ""), (["provenance"], None),
        (["fit"], ""), (["memory"], 8), (["modes"], []), (["colour"], "red"),
        (mode + ["name"], "any"), (mode + ["idle"], None), (mode + ["idle"], 3),
        (mode + ["latency", "form"], "mean"), (mode + ["latency", "launch"], None),
        (mode + ["latency", "per_mac", "convolution"], "1 ps/MAC"),
        (mode + ["latency", "per_mac", "conv"], 3e-12),
        (mode + ["energy", "form"], "clases"), (mode + ["energy", "form"], "power"),
        (mode + ["energy", "form"], "floor"), (mode + ["energy", "per_byte"], None)):
    check("device: %s = %s" % ("/".join(map(str, path)), value),
          not device.is_valid(edited(good, path, value)))

measured = {"format": "kerf-profile/1", "network": "toy", "source": "a bench",
            "operators": {"c1": {"latency": "3.1 ms", "energy": "23 mJ"}, "b1": {"energy": "5 mJ"}}}
check("profile", profile.is_valid(measured))
for path, value in ((["format"], "kerf-profile/2"), (["network"], None), (["source"], None),
                    (["operators", "c1"], {}), (["operators", "c1", "latency"], 3.1),
                    (["operators", "c1", "power"], "3 W"), (["extra"], 1)):
    check("profile: %s = %s" % ("/".join(map(str, path)), value),
          not profile.is_valid(edited(measured, path, value)))

print("1..%d" % len(results))
sys.exit(0 if all(results) else 1)
