"""configs/schema/link.json accepts every bundled link and refuses what the loader refuses."""
import copy
import glob
import json
import sys

try:
    import jsonschema
except ImportError:
    print("1..1\nok 1 - link schema # SKIP python3-jsonschema is not installed")
    sys.exit(0)

schema = json.load(open("configs/schema/link.json"))
validator = jsonschema.Draft7Validator(schema)
results = []


def check(name, passed):
    results.append(passed)
    print("%s %d - %s" % ("ok" if passed else "not ok", len(results), name))


def valid(document):
    return not list(validator.iter_errors(document))


try:
    jsonschema.Draft7Validator.check_schema(schema)
    check("is a JSON schema", True)
except jsonschema.SchemaError as error:
    print("# %s" % error.message)
    check("is a JSON schema", False)

for path in sorted(glob.glob("configs/links/*.json")) + ["tests/data/links/measured.json",
                                                           "tests/data/links/theory.json"]:
    errors = list(validator.iter_errors(json.load(open(path))))
    for error in errors:
        print("# %s: %s" % (path, error.message))
    check(path, not errors)

good = json.load(open("configs/links/lte.json"))


def broken(change):
    document = copy.deepcopy(good)
    change(document)
    return document


def put(pointer, value):
    def change(document):
        *folders, key = pointer.split("/")
        for folder in folders:
            document = document[folder]
        document[key] = value
    return change


BAD = [
    ("format", "kerf-device/1"), ("uplink", 5e6), ("uplink", "5"), ("uplink", "5 MB"),
    ("downlink", "-1 Mbit/s"), ("rtt", "20"), ("rtt", "20 m/s"), ("loss", 1.5), ("loss", "2 s"),
    ("connection", "hot"), ("uplnk", "5 Mbit/s"), ("radio/idle", "4 mJ"), ("radio/idel", "4 mW"),
    ("radio/uplink", {}), ("radio/uplink/slope", "4 mW"), ("radio/uplink/active", "4 mW"),
    ("radio/tail", {"time": "3 s"}), ("from", {"iperf": "x"}), ("mss", "1448"),
    ("radio/uplink", {"cross_factor": {"airtime_power": "0.807 W"}}),
    ("from", {"shannon": {"bandwidth": "5 MHz"}}),
]
for pointer, value in BAD:
    check("refuses %s: %s" % (pointer, json.dumps(value)), not valid(broken(put(pointer, value))))
for key in ("format", "uplink", "downlink", "rtt"):
    check("refuses a link without %s" % key, not valid(broken(lambda d, k=key: d.pop(k))))

GOOD = [("loss", 0.001), ("loss", "0.1 %"), ("rtt", 0), ("rtt", "0"), ("mss", "1448 B"),
        ("uplink", "1.5e3 kB/s"), ("notes", ["any", 1]), ("gap", "33ms"), ("connection", "new"),
        ("radio/downlink", {"active": "1 W"}), ("radio/uplink", {"cross_factor": {"airtime_power": "0.807 W", "air_rate": "65 Mbit/s",
                                           "frame_energy": "0.126 mJ", "frame_size": "1 kB"}}),
        ("from", {"shannon": {"bandwidth": "5 MHz", "transmit_power": "0.5 W", "gain": 1e-10,
                              "noise": "0.1 pW"}}),
        ("initial_window", "14 KiB"), ("overhead", "6 %")]
for pointer, value in GOOD:
    check("accepts %s: %s" % (pointer, json.dumps(value)), valid(broken(put(pointer, value))))

print("1..%d" % len(results))
sys.exit(0 if all(results) else 1)
