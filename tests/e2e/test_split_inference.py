"""The example of docs/examples/split-inference from end to end: kerf split, a server and a device
process, with a link of known rate and delay between them."""
import json
import os
import shutil
import sys

import harness
import networks
from harness import EXAMPLE, HERE, Process, Runner, load_array, node, same_bits
from tap import KERF, check, kerf, plan

scratch = harness.prepare("split inference")
FOLDER = scratch.name
SERVER = os.path.join(EXAMPLE, "server.js")
DEVICE = os.path.join(EXAMPLE, "device.js")
PLAIN = ["--no-optimize", "--threads", "1"]
NETWORK = os.path.join(FOLDER, "net.onnx")
EXTERNAL = os.path.join(FOLDER, "external.onnx")  # the same, its weights in a file beside it
INPUT = os.path.join(FOLDER, "image.bin")


def make_network():
    """262 kB cross after the second operator, 65.5 kB come back."""
    import onnx
    b = networks.Builder(20)
    x = b.conv("image", 3, 16)
    y = b.conv(x, 16, 16, stride=2)
    model = b.model("net", [("image", networks.F, [1, 3, 64, 64])], [(y, networks.F, [1, 16, 32, 32])])
    onnx.save(model, NETWORK)
    onnx.save_model(onnx.load(NETWORK), EXTERNAL, save_as_external_data=True, location="external.weights",
                    size_threshold=0)
    image = networks.random_input(model.graph.input[0], 1)
    image.tofile(INPUT)
    return image


def split(name, *options, network=None):
    """Splits the network into a folder of its own; returns the manifest's path and content."""
    folder = os.path.join(FOLDER, name)
    os.makedirs(folder, exist_ok=True)
    files = [os.path.join(folder, f) for f in ("head.onnx", "tail.onnx", "split.json")]
    status, _, err = kerf("split", network or NETWORK, "--head", files[0], "--tail", files[1], "--manifest",
                          files[2], "--force", *options)
    if status != 0:
        raise AssertionError("kerf split %s: status %d: %s" % (options, status, err))
    with open(files[2]) as file:
        return files[2], json.load(file)


def serve(*manifests):
    return Process("node", SERVER, "--bind", "tcp://127.0.0.1:*", *PLAIN, *manifests)


def endpoint(server):
    return json.loads(server.first_line)["endpoint"]


def infer(manifests, *options, service="none"):
    """Runs the device process; returns its report, or None, and what it wrote to stderr."""
    status, out, err = node(DEVICE, "--json", "--service", service, *PLAIN, "--input", "image=" + INPUT,
                            "--save", os.path.join(FOLDER, "out"), *options, *manifests)
    return (json.loads(out) if status == 0 else None), err


def result_equals(report, expected):
    return (report is not None and len(report["outputs"]) == len(expected) and
            all(same_bits(load_array(o), expected[o["name"]]) for o in report["outputs"]))


def near(measured, predicted):
    return abs(measured - predicted) <= 0.25 * predicted


def test_link(name, manifest, content, link, expected):
    """Transfer times over a link of the given rates and round trip, against kerf's of that link."""
    up, down, rtt = link
    predicted = content["plan"]["cost"]["latency"]
    with serve(manifest) as server:
        port = endpoint(server).rsplit(":", 1)[1]
        with Process(sys.executable, os.path.join(HERE, "shaping_proxy.py"), port, str(up), str(down),
                     str(rtt / 2)) as proxy:
            # Other work on the machine lengthens a transfer now and then, which says nothing about
            # the model: up to three tries.
            for _ in range(3):
                report, err = infer([manifest], "--server", "tcp://127.0.0.1:" + proxy.first_line.strip(),
                                    "--runs", "7")
                check_report = report and report["measured"]
                fine = report and all(near(check_report[part]["median_s"], predicted[part + "_s"])
                                      for part in ("uplink", "downlink"))
                if fine:
                    break
    check(name + ": the result is the whole network's, bit for bit", result_equals(report, expected), err)
    detail = ["predicted %s" % predicted, "measured %s" % check_report]
    check(name + ": transfers take what the link model says, within 25 %", fine, "\n".join(detail))
    check(name + ": the report has the plan's figures",
          report and report["predicted"]["uplink_s"] == predicted["uplink_s"]
          and report["crossing_bytes"] == content["plan"]["cut"]["wire_bytes"], report)
    for part in ("uplink", "downlink"):
        if report:
            print("# %s: %s: predicted %.1f ms, measured %.1f ms" % (
                name, part, 1e3 * predicted[part + "_s"], 1e3 * check_report[part]["median_s"]))


def options_of(link):
    up, down, rtt = link
    return ["--uplink", "%d bit/s" % up, "--downlink", "%d bit/s" % down, "--rtt", "%d ms" % (1e3 * rtt),
            "--loss", "0%", "--connection", "warm"]


def test_links(expected):
    pins = ["--pin", "relu_1=device", "--pin", "conv_2=server"]
    for name, link in (("20 Mbit/s, 20 ms", (20e6, 10e6, 0.02)), ("60 Mbit/s, 80 ms", (60e6, 60e6, 0.08))):
        manifest, content = split("link", *pins, *options_of(link))
        answer = plan(NETWORK, *pins, *options_of(link))
        check(name + ": kerf split and kerf plan predict the same",
              content["plan"]["cost"]["latency"] == answer["cost"]["latency"], content["plan"]["cost"])
        test_link(name, manifest, content, link, expected)


def test_wire(expected):
    import numpy
    manifest, content = split("float16", "--pin", "relu_1=device", "--pin", "conv_2=server",
                              "--wire", "float16")
    with serve(manifest) as server:
        report, err = infer([manifest], "--server", endpoint(server), "--runs", "1")
    check("float16 halves what is sent",
          report and report["crossing_bytes"] == 16 * 64 * 64 * 2
          and content["crossing"][0]["wire_type"] == "float16", err)
    value = load_array(report["outputs"][0]) if report else numpy.zeros(1)
    whole = next(iter(expected.values()))
    check("and changes the result by less than a thousandth of its range",
          value.shape == whole.shape and 0 < numpy.abs(value - whole).max() < 1e-3 * numpy.ptp(whole))


def test_extremes(expected):
    manifest, _ = split("all-device", "--pin", "relu_3=device")
    report, err = infer([manifest], "--runs", "2")
    check("all on the device: no server needed", result_equals(report, expected)
          and report["crossing_bytes"] == 0 and report["measured"]["uplink"]["max_s"] == 0, err)
    status, _, err = node(SERVER, manifest)
    check("and nothing to serve", status == 1 and "nothing to serve" in err, err)
    manifest, _ = split("all-server", "--pin", "conv_0=server")
    with serve(manifest) as server:
        report, err = infer([manifest], "--server", endpoint(server), "--runs", "2")
    check("all on the server: the input is sent", result_equals(report, expected)
          and report["crossing_bytes"] == 3 * 64 * 64 * 4 and report["device_operators"] == 0, err)
    manifest, _ = split("at-server", "--pin", "relu_1=device", "--pin", "conv_2=server", "--result", "server")
    with serve(manifest) as server:
        report, err = infer([manifest], "--server", endpoint(server), "--runs", "2")
    check("a result for the server stays there", report and report["outputs"] == []
          and report["result_bytes"] == 0 and report["predicted"]["downlink_s"] == 0, report or err)


def planning(*catalogues):
    """A planning service; its first line is its endpoint."""
    options = [word for folder in (*catalogues, "configs") for word in ("--catalogue", folder)]
    return Process(KERF, "serve", "--bind", "tcp://127.0.0.1:*", *options)


def test_choice(expected):
    fast_link = ["--uplink", "10 Gbit/s", "--downlink", "10 Gbit/s", "--rtt", "1 us"]
    slow_link = ["--uplink", "100 kbit/s"]
    fast, fast_content = split("fast", *fast_link, "--objective", "latency")
    slow, slow_content = split("slow", *slow_link, "--objective", "latency")
    plans = {}
    for name, content in (("fast", fast_content), ("slow", slow_content)):
        plans[name] = os.path.join(FOLDER, name + "-plan.json")
        with open(plans[name], "w") as file:
            json.dump(content["plan"], file)
    check("two links, two splits", slow_content["plan"]["cut"]["bytes"] == 0
          < fast_content["plan"]["cut"]["bytes"], fast_content["plan"]["cut"])
    catalogue = os.path.join(FOLDER, "catalogue")
    os.makedirs(os.path.join(catalogue, "networks"))
    shutil.copy(NETWORK, os.path.join(catalogue, "networks", "net.onnx"))
    with serve(fast) as server, planning(catalogue) as service:
        options = ["--server", endpoint(server), "--runs", "1"]
        asked = service.first_line.strip()
        for name, link, best in (("fast", fast_link, fast), ("slow", slow_link, slow)):
            report, err = infer([slow, fast], *options, *link, service=asked)
            check("the service decides for a %s link" % name, result_equals(report, expected)
                  and report["decided_by"] == "service" and report["split"] == best, err)
        report, err = infer([fast], *options, *slow_link, service=asked)
        check("an answer that no split fits is told", report and report["split"] == fast
              and "none of the given splits" in err, err)
        report, err = infer([slow, fast], *options, "--plan", plans["fast"])
        check("without a service the plan file decides", report and report["split"] == fast
              and report["decided_by"] == "plan", err)
        with planning() as other:
            report, err = infer([fast, slow], *options, service=other.first_line.strip())
        check("a refusal is told, and the first split run", report and report["split"] == fast
              and report["decided_by"] == "manifest" and 'no network "net"' in err, err)
    report, err = infer([fast, slow], "--plan", plans["slow"], "--runs", "1")
    check("also for all on the device", report and report["split"] == slow, err)
    report, err = infer([fast], "--plan", plans["slow"])
    check("a plan that no split fits is an error", report is None and "none of the given splits" in err, err)


def test_mismatch():
    """Parts of different splits are noticed, on either side."""
    early, _ = split("early", "--pin", "relu_1=device", "--pin", "conv_2=server")
    late, _ = split("late", "--pin", "conv_2=device", "--pin", "relu_3=server")
    with serve(late) as server:
        report, err = infer([early], "--server", endpoint(server))
    check("a server with another split", report is None and "unknown_split" in err, err)
    mixed, content = split("mixed", "--pin", "relu_1=device", "--pin", "conv_2=server")
    for part in ("head", "tail"):
        os.replace(os.path.join(os.path.dirname(late), content[part]["file"]),
                   os.path.join(os.path.dirname(mixed), content[part]["file"]))
    report, err = infer([mixed])
    check("a head of another split", report is None and "is not the head of" in err, err)
    status, _, err = node(SERVER, mixed)
    check("a tail of another split", status == 1 and "is not the tail of" in err, err)
    # Same identity, other tail: the server's file passes its own check, the device's manifest differs.
    with open(early) as file:
        other = json.load(file)
    other["tail"]["sha256"] = "0" * 64
    forged = os.path.join(os.path.dirname(early), "forged.json")
    with open(forged, "w") as file:
        json.dump(other, file)
    with serve(early) as server:
        report, err = infer([forged], "--server", endpoint(server))
    check("a server whose tail is another", report is None and "its tail is another" in err, err)
    external, _ = split("external", "--pin", "relu_1=device", "--pin", "conv_2=server", network=EXTERNAL)
    with open(os.path.join(os.path.dirname(external), "tail.onnx.data"), "r+b") as file:
        file.write(b"\1")
    status, _, err = node(SERVER, external)
    check("other weights beside the tail", status == 1 and "is not the tail's weights of" in err, err)
    report, err = infer([NETWORK])
    check("a file that is no manifest", report is None and "not JSON" in err, err)
    report, err = infer([os.path.join(FOLDER, "absent.json")])
    check("a manifest that is not there", report is None and "cannot be read: ENOENT" in err, err)


def header(**fields):
    return json.dumps({"v": 1, "id": 7, **fields})


def test_requests():
    """Every request gets one reply, and none ends the server."""
    manifest, content = split("early", "--pin", "relu_1=device", "--pin", "conv_2=server")
    crossing = content["crossing"][0]
    run = {"op": "run", "split_id": content["split_id"]}
    tensor = {"name": crossing["wire_name"], "type": "float32", "shape": crossing["shape"]}
    size = crossing["wire_bytes"]
    cases = [
        (["{"], "bad_json"), (["[]"], "bad_request"), ([header(v=2)], "unsupported_version"),
        ([header(op="stop")], "bad_request"), ([header(**dict(run, split_id="x"))], "unknown_split"),
        ([header(**run)], "is missing"), ([header(**run), 4], "as many tensors"),
        ([header(**run, tensors=[tensor]), size - 4], "bytes, expected"),
        ([header(**run, tensors=[dict(tensor, type="float16")]), size // 2], "expected float32"),
        ([header(**run, tensors=[dict(tensor, type="string")]), size], "cannot be sent"),
        ([header(**run, tensors=[dict(tensor, shape=[1, -1])]), size], "dimension -1"),
        ([header(**run, tensors=[dict(tensor, shape=[size // 4])]), size], "ONNX Runtime"),
        ([header(**run, tensors=[tensor, tensor]), size, size], "no name of its own"),
        ([header(**run, tensors=[tensor]), size], '"ok":true'),
        ([header(op="ping")], '"received_s"'),
    ]
    with serve(manifest) as server:
        status, out, err = node(os.path.join(HERE, "raw_requests.js"), endpoint(server),
                                *[json.dumps(frames) for frames, _ in cases])
        ended = server.stop()
    replies = out.splitlines()
    check("as many replies as requests", status == 0 and len(replies) == len(cases), out + err)
    for (frames, expected), reply in zip(cases, replies):
        check("a request of %d frames: %s" % (len(frames), expected), expected in reply, reply)
    check("the server ends on SIGTERM, silently", ended == (0, ""), ended)


def test_failures():
    manifest, _ = split("early", "--pin", "relu_1=device", "--pin", "conv_2=server")
    with serve(manifest) as server:
        gone = endpoint(server)
    report, err = infer([manifest], "--server", gone, "--timeout", "300")
    check("no server: an error in time", report is None and "no answer within 300 ms" in err, err)
    report, err = infer([manifest], "--server", gone, "--shape", "picture=1")
    check("an input that is not there", report is None and "no input 'picture', only image" in err, err)
    status, out, err = node(DEVICE)
    check("no manifest is wrong usage", status == 2 and "usage:" in err and out == "", err)
    status, _, err = node(DEVICE, "--runs", "0", manifest)
    check("so are no runs", status == 2 and "--runs 0" in err, err)
    status, _, err = node(SERVER, "--bind", "tcp://0.0.0.0:*", manifest)
    check("the server is not reachable from outside unless asked to", status == 2 and "--insecure" in err, err)


image = make_network()
with Runner(FOLDER) as runner:
    whole = runner.run(NETWORK, {"image": image})
test_links(whole)
test_wire(whole)
test_extremes(whole)
test_choice(whole)
test_mismatch()
test_requests()
test_failures()
scratch.cleanup()
harness.tap.done()
