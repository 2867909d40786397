"""Every operation of the service, and every way to ask it wrongly."""
import json
import os
import signal
import tempfile

from service import CONTEXT, Client, Service, tap, zmq
from tap import check

QUESTION = {"network": "chain", "device": "board", "server": "box", "link": "plain"}
ARGUMENTS = ["chain", "--device", "board", "--server", "box", "--link", "plain"]


def without(plan, *keys):
    return {k: v for k, v in plan.items() if k not in keys}


def agree(a, b, key=""):
    """Equal, numbers to rounding; borders as exactly as either finds them."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(agree(a[k], b[k], k) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(agree, a, b))
    if isinstance(a, float) or isinstance(b, float):
        if a is None or b is None:
            return a == b
        return tap.close(a, b, 2e-6 if key in ("below", "above") else 1e-12) or abs(a - b) < 1e-15
    return a == b


def comparable(plan):
    """Without the time it took, and how it was found: by a map, or by the command's own search."""
    plan = {k: v for k, v in plan.items() if k not in ("solve_time_s", "alternatives", "rivals")}
    plan["proof"] = {k: v for k, v in plan["proof"].items() if k not in ("solver", "examined")}
    return plan


def same(answer, expected):
    """As kerf plan --json says it."""
    return agree(comparable(answer), comparable(expected))


def differences(answer, expected):
    answer, expected = comparable(answer), comparable(expected)
    return {k: (answer.get(k), expected.get(k)) for k in {*answer, *expected}
            if not agree(answer.get(k), expected.get(k), k)}


def fails(reply, code, pointer, *texts):
    error = reply.get("error", {})
    return (reply["ok"] is False and error.get("code") == code and error.get("pointer") == pointer
            and all(t in error.get("message", "") for t in texts))


def test_plans(client):
    questions = [
        ({}, []),
        ({"objective": "latency"}, ["--objective", "latency"]),
        ({"objective": "edp", "result": "server"}, ["--objective", "edp", "--result", "server"]),
        ({"objective": "weighted:energy=1,latency=0.5"},
         ["--objective", "weighted:energy=1,latency=0.5"]),
        ({"deadline": "1 s", "server_load": 0.25}, ["--deadline", "1s", "--server-load", "0.25"]),
        ({"link": {"base": "plain", "uplink": "3 Mbit/s", "rtt": "40 ms"}},
         ["--uplink", "3 Mbit/s", "--rtt", "40ms"]),
        ({"wire": "int8", "input_size": "10 kB"}, ["--wire", "int8", "--input-size", "10kB"]),
        ({"power_mode": "any"}, ["--power-mode", "any"]),
        ({"wire": "any", "objective": "latency"}, ["--wire", "any", "--objective", "latency"]),
        ({"wire": "any", "power_mode": "any", "energy_budget": "60 mJ"},
         ["--wire", "any", "--power-mode", "any", "--energy-budget", "60mJ"]),
        ({"objective": "throughput", "energy_budget": "10 J"},
         ["--objective", "throughput", "--energy-budget", "10J"]),
        ({"solver": "exhaustive", "max_bytes": "1 MB"},
         ["--solver", "exhaustive", "--max-bytes", "1MB"]),
        ({"pins": {"conv1": "device"}, "min_device_operators": 1},
         ["--pin", "conv1=device", "--min-device-operators", "1"]),
    ]
    for fields, options in questions:
        expected = tap.plan(*ARGUMENTS, *options)
        for turn in ("first", "second"):
            answer = client.plan(**{**QUESTION, **fields})
            check("as kerf plan %s, asked for the %s time" % (" ".join(options), turn),
                  same(answer, expected), differences(answer, expected))
    answer = client.plan(**QUESTION, alternatives=2)
    expected = tap.plan(*ARGUMENTS, "--top", "3")
    check("alternatives on request", answer["alternatives"] == expected["alternatives"]
          and len(answer["alternatives"]) == 2, answer["alternatives"])
    for fields in ({}, {"solver": "mincut"}, {"deadline": "1 s"}):
        full, brief = client.plan(**QUESTION, **fields), client.plan(**QUESTION, **fields, explain=False)
        for key in ("compare", "binding", "break_even"):
            full.pop(key)
        check("a brief answer %s is the plan without its explanation" % fields,
              without(full, "solve_time_s") == without(brief, "solve_time_s"), sorted(brief))
        check("an explained one afterwards has it", "compare" in client.plan(**QUESTION, **fields, explain=True))
    with open("tests/data/cli/links/plain.json") as file:
        whole = json.load(file)
    check("a whole link file as the link",
          same(client.plan(**{**QUESTION, "link": whole}), tap.plan(*ARGUMENTS)))


def test_maps(client):
    for fields, options in (
            ({}, []),
            ({"rates": ["1 Mbit/s", "200 Mbit/s"], "objective": "latency"},
             ["--rates", "1 Mbit/s..200 Mbit/s", "--objective", "latency"]),
            ({"rtts": ["1 ms", "100 ms"], "loads": [0, 0.5], "deadline": "1 s"},
             ["--rtts", "1ms..100ms", "--loads", "0..0.5", "--deadline", "1s"])):
        status, out, err = tap.kerf("map", *ARGUMENTS, *options, "--json")
        expected = json.loads(out)
        for turn in ("first", "second"):
            reply = client.ask("map", **{**QUESTION, **fields})
            check("as kerf map %s, asked for the %s time" % (" ".join(options), turn),
                  reply["ok"] and agree(reply["map"], expected), str(reply)[:300])
    for fields, pointer in (({"rates": ["1 Mbit/s"]}, "/rates"), ({"rates": 7}, "/rates"),
                            ({"rates": ["2 Mbit/s", "1 Mbit/s"]}, "/rates"),
                            ({"rtts": ["1 ms", 2]}, "/rtts/1"), ({"network": "none"}, "/network")):
        reply = client.ask("map", **{**QUESTION, **fields})
        check("a map at '%s' is refused" % pointer, not reply["ok"]
              and reply["error"]["pointer"] == pointer, reply)
    reply = client.ask("map", **QUESTION, deadline="1 us")
    check("a map without any answer", reply["error"]["code"] == "infeasible", reply)
    check("a plan has no ranges", fails(client.ask("plan", **QUESTION, rates=["1 bit/s", "1 Mbit/s"]),
                                        "bad_request", "/rates"))


def test_other_operations(client):
    reply = client.ask("ping")
    check("ping", reply["ok"] and reply["kerf"], reply)
    reply = client.ask("list")
    for kind in ("networks", "devices", "servers", "links"):
        check("list has %s" % kind, any(item["name"] for item in reply[kind]), reply)
    check("list of one kind", list(client.ask("list", kind="links")) == ["v", "id", "ok", "links"])
    check("describe a network", client.ask("describe", network="chain")["network"]["operators"] > 0)
    check("describe a device", client.ask("describe", device="board")["device"]["power_modes"])
    check("describe a server", client.ask("describe", server="box")["server"]["name"] == "box")
    check("describe a link", client.ask("describe", link="plain")["link"]["uplink_bps"] > 0)
    stats = client.ask("stats")["stats"]
    check("stats count", stats["requests"] > 0 and stats["operations"]["ping"] >= 1
          and stats["cache_hits"] > 0 and stats["latency_s"]["count"] > 0
          and 0 < stats["latency_s"]["p50"] <= stats["latency_s"]["max"], stats)


def test_ids(client):
    for given in (0, -5, 2**53, "text", "", "Z\u00fcrich \u20ac \"\\", 1.5, True, False, None):
        reply = client.raw({"v": 1, "id": given, "op": "ping"})
        check("id %r comes back" % (given,), reply["id"] == given and type(reply["id"]) is type(given),
              reply)
    check("no id is null", client.raw({"v": 1, "op": "ping"})["id"] is None)
    check("an id must be a scalar",
          fails(client.raw({"v": 1, "id": [1], "op": "ping"}), "bad_request", "/id"))
    check("a refused request's id comes back", client.raw({"v": 1, "id": 3, "op": "?"})["id"] == 3)


def test_bad_requests(client):
    asked = {"v": 1, "op": "plan", **QUESTION}
    cases = [
        (b"{", "bad_json", ""), (b"", "bad_json", ""), (b"\x00\xff\x80binary", "bad_json", ""),
        (b"\xff\xfe{\x00}\x00", "bad_json", ""), (b"{}{}", "bad_json", ""), (b"nul", "bad_json", ""),
        (b'{"v":1,"op":"ping","id":"\\u0000"}', "bad_json", ""),
        (b'{"v":1,"op":"ping","id":1e999}', "bad_json", ""),
        (b"[1]", "bad_request", ""), (b"7", "bad_request", ""), (b"null", "bad_request", ""),
        (b"{}", "bad_request", ""),
        ({"v": 2, "op": "ping"}, "unsupported_version", "/v"),
        ({"v": "1", "op": "ping"}, "unsupported_version", "/v"),
        ({"v": 1, "op": "nonsense"}, "bad_request", "/op"), ({"v": 1}, "bad_request", ""),
        ({"v": 1, "op": 7}, "bad_request", "/op"),
        ({"v": 1, "op": "ping", "extra": 1}, "bad_request", "/extra"),
        ({"v": 1, "op": "plan"}, "bad_request", ""),
        ({**asked, "network": 5}, "bad_request", "/network"),
        ({**asked, "network": "chian"}, "unknown_network", "/network"),
        ({**asked, "network": "../networks/chain"}, "unknown_network", "/network"),
        ({**asked, "device": "none"}, "unknown_device", "/device"),
        ({**asked, "server": "none"}, "unknown_server", "/server"),
        ({**asked, "link": "none"}, "unknown_link", "/link"),
        ({**asked, "link": {"base": "none"}}, "unknown_link", "/link"),
        ({**asked, "link": 7}, "bad_request", "/link"),
        ({**asked, "link": {"uplink": 12}}, "bad_request", "/link/uplink"),
        ({**asked, "link": {"uplink": "0 bit/s"}}, "bad_request", "/link/uplink"),
        ({**asked, "link": {"uplnik": "1 Mbit/s"}}, "bad_request", "/link/uplnik"),
        ({**asked, "link": {"format": "kerf-link/1"}}, "bad_request", "/link"),
        ({**asked, "server_load": 1.5}, "bad_request", "/server_load"),
        ({**asked, "objective": "cheap"}, "bad_request", "/objective"),
        ({**asked, "objective": "weighted:energy=1,energy=2"}, "bad_request", "/objective"),
        ({**asked, "deadline": "fast"}, "bad_request", "/deadline"),
        ({**asked, "deadline": "0 s"}, "bad_request", "/deadline"),
        ({**asked, "deadline": "1 us"}, "infeasible", ""),
        ({**asked, "pins": {"nowhere": "device"}}, "bad_request", "/pins"),
        ({**asked, "pins": {"conv1": "moon"}}, "bad_request", "/pins/conv1"),
        ({**asked, "power_mode": "turbo"}, "bad_request", "/power_mode"),
        ({**asked, "current": "xyz"}, "bad_request", "/current"),
        ({**asked, "alternatives": -1}, "bad_request", "/alternatives"),
        ({"v": 1, "op": "describe"}, "bad_request", ""),
        ({"v": 1, "op": "describe", "network": "chain", "link": "plain"}, "bad_request", ""),
        ({"v": 1, "op": "describe", "link": "none"}, "unknown_link", "/link"),
        ({"v": 1, "op": "list", "kind": "boats"}, "bad_request", "/kind"),
        ({"v": 1, "op": "observe", "uplink": "1 Mbit/s"}, "bad_request", ""),
        ({"v": 1, "op": "observe", "device_id": "d"}, "bad_request", ""),
        ({"v": 1, "op": "observe", "device_id": "x" * 256, "rtt": "1 ms"}, "bad_request", "/device_id"),
        ({"v": 1, "op": "state", "device_id": "never seen"}, "unknown_device", "/device_id"),
        (b"[" * 1000, "too_large", ""), (b'{"a":' * 1000, "too_large", ""),
        (b" " * 100000, "too_large", ""),
        (json.dumps({"v": 1, "op": "ping", "id": "x" * 70000}).encode(), "too_large", ""),
    ]
    for message, code, pointer in cases:
        reply = client.raw(message)
        check("%s at '%s' for %.70s" % (code, pointer, message), fails(reply, code, pointer), reply)
    check("a misspelt network is suggested for",
          fails(client.raw({**asked, "network": "chian"}), "unknown_network", "/network", '"chain"'))
    check("and all is well", client.ask("ping")["ok"])


def test_frames(service):
    ping = b'{"v":1,"id":1,"op":"ping"}'
    with Client(service.endpoint, zmq.REQ) as client:
        check("REQ", all(client.ask("ping")["ok"] for _ in range(3)))
    with Client(service.endpoint) as client:
        def exchange(*frames):
            client.socket.send_multipart(frames)
            return client.socket.recv_multipart()
        check("a DEALER gets one frame", len(exchange(ping)) == 1)
        check("an empty delimiter is answered with one", exchange(b"", ping)[0] == b"")
        for frames in ((ping, ping), (b"", ping, ping), (b"", b"", ping), (b"x", b"y", b"z", b"w")):
            got = exchange(*frames)
            check("%d frames: one reply" % len(frames), len(got) == 1 + (frames[0] == b"")
                  and fails(json.loads(got[-1]), "bad_request", "", "frame"), got)
        got = exchange(*([b"x"] * 5000))
        check("5000 frames: one reply", len(got) == 1 and json.loads(got[0])["ok"] is False)
        got = exchange(b"", b"")
        check("an empty body", got[0] == b"" and fails(json.loads(got[1]), "bad_json", ""), got)
        client.send(b"x" * (8 << 20))  # closes this connection; the socket makes another
        check("after a frame above every limit the client can go on", client_recovers(service))


def client_recovers(service):
    with Client(service.endpoint) as client:
        return client.ask("ping")["ok"]


def test_start_and_end():
    with Service(binds=("tcp://127.0.0.1:*", "tcp://127.0.0.1:*", "ipc:///tmp/kerf-test-%d.sock"
                        % os.getpid())) as service:
        for endpoint in service.endpoints:
            with Client(endpoint) as client:
                check("listens at %s" % endpoint.split(":")[0], client.ask("ping")["ok"])
        status, out, err = tap.kerf("serve", "--bind", service.endpoint)
        check("a taken address is said clearly", status == 1 and out == "" and err.count("kerf: ") == 1
              and "in use" in err and service.endpoint in err, err)
        check("SIGTERM ends it with 0", service.stop() == 0)
    with Service() as service:
        check("so does SIGINT", service.stop(signal.SIGINT) == 0)
    for endpoint in ("tcp://0.0.0.0:*", "tcp://*:*", "tcp://[::]:*"):
        status, out, err = tap.kerf("serve", "--bind", endpoint)
        check("%s needs keys, or --insecure" % endpoint,
              status == 2 and out == "" and "CURVE" in err and "--insecure" in err, err)
    with Service("--insecure", binds=("tcp://0.0.0.0:*",)) as service:
        with Client(service.endpoint.replace("0.0.0.0", "127.0.0.1")) as client:
            check("--insecure listens anywhere", client.ask("ping")["ok"])
    for endpoint in ("nonsense", "udp://127.0.0.1:1", "tcp://127.0.0.1"):
        status, out, err = tap.kerf("serve", "--bind", endpoint)
        check("%s is no endpoint" % endpoint, status in (1, 2) and out == "" and endpoint in err, err)
    with tempfile.TemporaryDirectory() as folder:
        status, out, err = tap.kerf("serve", "--bind", "tcp://127.0.0.1:*", "--catalogue", folder)
        check("an empty catalogue is refused", status == 1 and "networks" in err, err)
        status, out, err = tap.kerf("serve", "--bind", "tcp://127.0.0.1:*", "--catalogue",
                                    folder + "/none")
        check("so is one that is not there", status == 1 and "/none" in err, err)


with Service() as running:
    with Client(running.endpoint) as asking:
        test_plans(asking)
        test_maps(asking)
        test_other_operations(asking)
        test_ids(asking)
        test_bad_requests(asking)
    test_frames(running)
    check("the service has ended well", running.stop() == 0, running.log)
test_start_and_end()
CONTEXT.destroy(0)
tap.done()
