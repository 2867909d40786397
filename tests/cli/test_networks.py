"""Plans of real ONNX networks, end to end: proven, consistent, with the reference's MACs."""
import glob
import json
import os

import jsonschema

import tap
from tap import check, close, kerf

REFERENCE = "../shared/data/onnx"
with open("configs/schema/plan.json") as file:
    SCHEMA = jsonschema.Draft7Validator(json.load(file))
# The size of what NonZero and NonMaxSuppression find is in no file.
DATA_DEPENDENT = {"tv_ssdlite320_mobilenet_v3_large"}


def options(reference):
    for tensor in reference["inputs"]:
        if tensor["used"] and tensor["declared"] != tensor["used"]:
            yield "--input"
            yield "%s=%s" % (tensor["name"], "x".join(map(str, tensor["used"])))


references = sorted(glob.glob(REFERENCE + "/*.json"))
for path in references:
    name = os.path.basename(path)[:-5]
    with open(path) as file:
        reference = json.load(file)
    status, out, err = kerf("plan", os.path.join(REFERENCE, reference["file"]), *options(reference), "--json")
    if name in DATA_DEPENDENT:
        check("%s: what cannot be known is named" % name, status == 1 and "depends on data" in err, err)
        continue
    answer = json.loads(out) if status == 0 else {}
    check("%s: a proven plan" % name, status == 0 and answer["status"] == "optimal" and
          not list(SCHEMA.iter_errors(answer)), err)
    check("%s: consistent" % name, status == 0 and
          close(sum(answer["cost"]["energy"].values()), answer["cost"]["device_energy_J"]) and
          close(sum(answer["cost"]["latency"].values()), answer["cost"]["latency_s"]), out[:500])
    check("%s: the reference's MACs" % name, status == 0 and answer["network"]["macs"] == reference["macs"]["total"],
          (answer.get("network"), reference["macs"]["total"]))
if not references:
    tap.skip("real networks", "no reference data beside this tree")
tap.done()
