"""kerf inspect and kerf list."""
import csv
import io
import json

import tap
from tap import check, close, fails, golden, kerf

golden("inspect-chain.txt", kerf("inspect", "chain")[1])
golden("inspect-chain-board.txt", kerf("inspect", "chain", "--device", "board")[1])
golden("inspect-chain.csv", kerf("inspect", "chain", "--csv")[1])

status, out, err = kerf("inspect", "chain", "--json")
network = json.loads(out)
check("the contract's keys", set(network) >= {"network", "operators", "totals"} and
      all(set(o) >= {"name", "type", "class", "group", "inputs", "outputs", "macs", "weight_bytes", "read_bytes",
                     "write_bytes"} for o in network["operators"]), out)
check("no costs without a device", not any("latency_s" in o for o in network["operators"]))
check("totals add up", sum(o["macs"] for o in network["operators"]) == network["totals"]["macs"] ==
      network["network"]["macs"])
conv = network["operators"][0]
check("hand-worked: a convolution", conv["macs"] == 3 * 3 * 3 * 32 * 64 * 64 and
      conv["outputs"] == [{"name": "t1", "shape": [1, 32, 64, 64], "type": "float32", "bytes": 524288}] and
      conv["read_bytes"] == 3 * 64 * 64 * 4 and conv["write_bytes"] == 524288 and conv["class"] == "conv", conv)
check("its activation is fused with it", network["operators"][1]["group"] == conv["group"])

priced = json.loads(kerf("inspect", "chain", "--device", "board", "--json")[1])
answer = tap.plan("chain", "--device", "board", "--server", "box", "--link", "plain", "--uplink", "1 bit/s")
for figure, partition, key in (("latency_s", "partition_s", "latency_s"), ("energy_J", "partition_J", "device_energy_J")):
    total = sum(o[figure] for o in priced["operators"]) + priced["totals"][partition]
    check("%s: operators and the partition add up to the total" % figure, close(total, priced["totals"][figure]))
    check("%s: which is what all-device costs" % figure,
          close(priced["totals"][figure], answer["compare"]["all_device"][key]))
eco = json.loads(kerf("inspect", "chain", "--device", "board", "--power-mode", "eco", "--json")[1])
check("--power-mode", eco["power_mode"] == "eco" and eco["totals"]["latency_s"] > priced["totals"]["latency_s"])
measured = json.loads(kerf("inspect", "chain", "--device", "board", "--device-profile",
                           tap.DATA + "/profiles/chain.json", "--json")[1])
check("--device-profile", close(measured["operators"][5]["latency_s"], 1e-3) and
      close(measured["operators"][5]["energy_J"], 5e-3), measured["operators"][5])
fails("--power-mode without --device", 2, ["inspect", "chain", "--power-mode", "eco"], "needs --device")
fails("unknown power mode", 2, ["inspect", "chain", "--device", "board", "--power-mode", "x"], "full, eco")

rows = list(csv.DictReader(io.StringIO(kerf("inspect", "chain", "--device", "board", "--csv")[1])))
check("csv: a row per operator", [r["name"] for r in rows] == [o["name"] for o in priced["operators"]])
check("csv: the same figures", all(float(r["latency_s"]) == o["latency_s"] and int(r["macs"]) == o["macs"]
                                   for r, o in zip(rows, priced["operators"])))

status, out, err = kerf("inspect", "open", "--json")
unknown = json.loads(out)
check("an open shape is null, with the reason", status == 0 and unknown["operators"][0]["outputs"][0]["shape"] is None
      and unknown["operators"][0]["outputs"][0]["unresolved"], out)
status, out, err = kerf("inspect", "open")
check("and a question mark in the table", status == 0 and "?" in out, out)
status, out, err = kerf("inspect", "open", "--dim", "height=16", "--json")
check("--dim resolves it", json.loads(out)["operators"][1]["outputs"][0]["shape"] == [1, 3, 16, 32], out)
fails("costs need every shape", 1, ["inspect", "open", "--device", "board"], "--dim height=")
check("the table fits 100 columns", max(len(line) for line in
      kerf("inspect", "chain", "--device", "board")[1].splitlines()) <= 100)

# --- list -------------------------------------------------------------------------------------------
own = {"KERF_PATH": tap.DATA}
status, out, err = kerf("list", "devices")
check("list: one line each with its source", status == 0 and
      any(line.split("  ", 1)[0] == "board" and line.endswith("Made up for tests.") for line in out.splitlines()), out)
listed = json.loads(kerf("list", "devices", "--json")[1])["devices"]
check("list --json: fit, assumptions, modes", next(d for d in listed if d["name"] == "board")["power_modes"] ==
      ["full", "eco"] and all(d["fit"] and d["assumptions"] and d["source"] for d in listed))
names = [d["name"] for d in listed]
check("KERF_PATH comes before what is bundled, and does not hide it", "board" in names and "jetson-tx2" in names
      and names == sorted(names), names)
rows = list(csv.DictReader(io.StringIO(kerf("list", "links", "--csv")[1])))
check("list --csv", {"plain", "wifi-n"} <= {r["name"] for r in rows}, rows)
status, out, err = kerf("list", "networks", "--json")
networks = json.loads(out)["networks"]
check("list networks", {"chain", "resnet50"} <= {n["name"] for n in networks} and
      all(n["operators"] > 0 and n["source"] for n in networks), out)
BUNDLED = "alexnet vgg16 vgg19 resnet18 resnet50 mobilenetv1 mobilenetv2 densenet121 inceptionv3 squeezenet " \
          "efficientnet-b0 yolov3-tiny vit-b16 bert-base"
check("every bundled network is there", set(BUNDLED.split()) <= {n["name"] for n in networks})
check("every bundled thing can be loaded", all(kerf("list", kind)[0] == 0 and kerf("list", kind)[2] == ""
                                               for kind in ("devices", "servers", "links", "networks")))
tap.done()
