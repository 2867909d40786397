"""A device's own view: observations, estimates that expire, cuts that stay, and announcements."""
import json
import subprocess

from service import CONTEXT, PATIENCE, Client, Service, tap, zmq
from tap import check

SCENE = {"network": "chain", "device": "board", "server": "box"}
ARGUMENTS = ["chain", "--device", "board", "--server", "box", "--link", "plain"]


def at(rate, base="plain", **fields):
    """The question with the link at a rate."""
    return {**SCENE, "link": {"base": base, "uplink": "%.17g bit/s" % rate}, **fields}


def expected(*options):
    return tap.plan(*ARGUMENTS, *options)


def close(a, b, relative=1e-12):
    return abs(a - b) <= relative * max(abs(a), abs(b))


def test_estimate(client):
    """Weighted means; what is left out of an observation stays; the profile gives the rest."""
    reply = client.ask("observe", device_id="a", uplink="4 Mbit/s", rtt="10 ms", link="plain")
    got = reply["estimate"]
    check("the first observation is the estimate", got["uplink_bps"] == 4e6 and got["rtt_s"] == 0.01
          and got["downlink_bps"] is None and got["link"] == "plain" and got["fresh"], got)
    got = client.ask("observe", device_id="a", uplink="8 Mbit/s")["estimate"]
    check("the next counts a quarter", close(got["uplink_bps"], 5e6) and got["rtt_s"] == 0.01
          and got["observations"] == 2, got)
    got = client.ask("observe", device_id="a", latency="50 ms", energy="0.1 J")["estimate"]
    check("measured inferences are kept", got["latency_s"] == 0.05 and got["energy_J"] == 0.1
          and close(got["uplink_bps"], 5e6), got)
    plan = client.plan(**SCENE, device_id="a")
    wanted = expected("--uplink", "5 Mbit/s", "--rtt", "10ms")
    check("it stands in for the link", close(plan["cost"]["latency_s"], wanted["cost"]["latency_s"])
          and plan["cut_id"] == wanted["cut_id"] and plan["link"] == "plain", plan["cost"])
    plan = client.plan(**{**SCENE, "link": "plain"}, device_id="a")
    check("a link that is named is as its profile says",
          close(plan["cost"]["latency_s"], expected()["cost"]["latency_s"]))
    plan = client.plan(**SCENE, device_id="b")
    check("another device has no estimate, and the usual link",
          plan["link"] == "wifi-n", plan["link"])
    error = client.ask("observe", device_id="a", rtt="1 ms", link="nowhere")["error"]
    check("an unknown link is refused", error["code"] == "unknown_link")


def test_state(client):
    client.ask("observe", device_id="s", uplink="4 Mbit/s", rtt="10 ms", link="plain")
    error = client.ask("state", device_id="s")["error"]
    check("no state before a question", error["code"] == "unknown_device" and "asked" in error["message"])
    plan = client.plan(**at(1e6, objective="latency"), device_id="s")
    state = client.ask("state", device_id="s")
    wanted = expected("--uplink", "4 Mbit/s", "--rtt", "10ms", "--objective", "latency")
    check("the state is for what was asked, on the link that was observed",
          state["plan"]["objective"]["name"] == "latency" and state["device_id"] == "s"
          and close(state["plan"]["cost"]["latency_s"], wanted["cost"]["latency_s"]), state)


def test_current(client):
    """A cut in use stays until another one gains more than the margin."""
    plan = client.plan(**at(20e6))
    border = plan["break_even"]["uplink_bps"]["above"]
    near, far = border * 1.01, border * 20
    best = client.plan(**at(near))
    check("beyond the border another cut is best", best["cut_id"] != plan["cut_id"])
    gain = {}
    for rate in (near, far):
        kept = client.ask("plan", **at(rate, current=plan["cut_id"], margin=1))
        gain[rate] = 1 - client.plan(**at(rate))["objective"]["value"] / kept["plan"]["objective"]["value"]
    check("the gain grows", 0 < gain[near] < 0.05 < gain[far], gain)
    reply = client.ask("plan", **at(near, current=plan["cut_id"]))
    stays = reply["plan"]
    check("near the border the cut in use stays", reply["changed"] is False
          and stays["cut_id"] == plan["cut_id"] and stays["cut"] == plan["cut"], reply)
    check("at what it costs now, with the best as its bound", stays["status"] == "feasible"
          and close(stays["proof"]["bound"], best["objective"]["value"])
          and close(stays["proof"]["gap"], gain[near], 1e-6)
          and stays["objective"]["value"] > best["objective"]["value"], stays["proof"])
    reply = client.ask("plan", **at(far, current=plan["cut_id"]))
    check("far from it it changes", reply["changed"] is True and reply["current_known"]
          and reply["plan"]["cut_id"] == client.plan(**at(far))["cut_id"])
    for margin, changed in ((gain[near] * 0.99, True), (gain[near] * 1.01, False), (0, True), (1, False)):
        reply = client.ask("plan", **at(near, current=plan["cut_id"], margin=margin))
        check("a margin of %.4f" % margin, reply["changed"] is changed)
    reply = client.ask("plan", **at(near, current="0123456789abcdef"))
    check("an unknown cut is changed", reply["changed"] and not reply["current_known"])
    reply = client.ask("plan", **at(20e6, current=plan["cut_id"]))
    check("the best cut stays, as optimal", reply["changed"] is False and reply["plan"]["status"] == "optimal")
    slow = plan["break_even"]["uplink_bps"]["below"] * 0.999
    late = client.ask("plan", **at(slow, current=plan["cut_id"], margin=1))["plan"]["cost"]["latency_s"]
    limited = {"deadline": "%.17g s" % (late * 0.99), "current": plan["cut_id"], "margin": 1}
    reply = client.ask("plan", **at(slow, **limited))
    check("a cut in use that breaks a limit goes, whatever the margin",
          reply["ok"] is False or (reply["changed"] and reply["plan"]["cut_id"] != plan["cut_id"]), reply)


class Subscriber:
    def __init__(self, endpoint, topic):
        self.socket = CONTEXT.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvtimeo = PATIENCE * 1000
        self.socket.connect(endpoint)
        self.socket.subscribe(topic)

    def next(self):
        topic, body = self.socket.recv_multipart()
        return topic.decode(), json.loads(body)

    def waiting(self):
        return self.socket.poll(0) != 0


def test_push(service, client):
    subscriber = Subscriber(service.publisher, "device/")
    client.plan(**at(20e6), device_id="warm-up")
    rates = [1e5, 1e10]
    while not subscriber.waiting():  # until the subscription has arrived
        rates.reverse()
        client.plan(**at(rates[0]), device_id="warm-up")
    while subscriber.waiting() or client.ask("ping") and subscriber.socket.poll(50):
        subscriber.next()
    client.plan(**at(20e6), device_id="p")
    topic, first = subscriber.next()
    check("the first decision is announced", topic == "device/p" and first["sequence"] == 1
          and first["device_id"] == "p" and first["plan"]["cut_id"], topic)
    border = first["plan"]["break_even"]["uplink_bps"]["above"]
    client.ask("observe", device_id="p", uplink="%.17g bit/s" % (border * 1.01))
    client.ask("observe", device_id="p", uplink="%.17g bit/s" % (border * 400))
    topic, second = subscriber.next()
    check("what gains little is not announced, what gains much is", topic == "device/p"
          and second["sequence"] == 2 and second["plan"]["cut_id"] != first["plan"]["cut_id"],
          (topic, second["sequence"]))
    late = Subscriber(service.publisher, "device/p")
    state = client.ask("state", device_id="p")
    check("who comes late asks for the state", state["plan"]["cut_id"] == second["plan"]["cut_id"])
    late.socket.close()
    subscriber.socket.close()


def test_expiry():
    with Service("--catalogue", tap.DATA, "--estimate-expiry", "1us") as service:
        with Client(service.endpoint) as client:
            client.ask("observe", device_id="old", uplink="1 Mbit/s", rtt="1 s", link="plain")
            plan = client.plan(**SCENE, device_id="old")
            check("a stale estimate counts no longer: the profile it was over does",
                  plan["link"] == "plain"
                  and close(plan["cost"]["latency_s"], expected()["cost"]["latency_s"]), plan["link"])
            got = client.ask("observe", device_id="old", rtt="2 ms")["estimate"]
            check("and a new one begins anew", got["uplink_bps"] is None and got["rtt_s"] == 0.002, got)


def test_no_hysteresis():
    with Service("--catalogue", tap.DATA, "--hysteresis", "0") as service:
        with Client(service.endpoint) as client:
            plan = client.plan(**at(20e6))
            near = plan["break_even"]["uplink_bps"]["above"] * 1.01
            reply = client.ask("plan", **at(near, current=plan["cut_id"]))
            check("--hysteresis 0: the best is always proposed", reply["changed"] is True)
            out = tap.kerf("ask", "chain", *ARGUMENTS[1:], "--uplink", "%d bit/s" % near, "--endpoint",
                           service.endpoint, "--current", plan["cut_id"], "--margin", "50 %")[1]
            check("a request's margin counts more", "current      stays" in out, out)


def test_forgotten():
    """What is remembered of devices has a bound; the one heard of longest ago goes first."""
    with Service("--catalogue", tap.DATA, "--devices", "20 kB") as service:
        with Client(service.endpoint) as client:
            for i in range(200):
                client.ask("observe", device_id="d%d" % i, uplink="1 Mbit/s", rtt="1 ms", link="plain")
                client.plan(**at(1e6, device_id="kept"))
            known = client.ask("stats")["stats"]["devices"]
            check("--devices bounds what is remembered", known["bytes"] <= 20000 and known["known"] > 1
                  and known["known"] + known["evicted"] == 201, known)
            reply = client.ask("state", device_id="d0")
            check("the oldest is forgotten", reply["error"]["code"] == "unknown_device", reply)
            check("one that goes on asking is not", client.ask("state", device_id="kept")["ok"])
            reply = client.ask("observe", device_id="d0", uplink="2 Mbit/s", rtt="1 ms")
            check("it comes back as a new one", reply["estimate"]["uplink_bps"] == 2e6, reply)


with Service("--catalogue", tap.DATA, "--catalogue", "configs", publish=True) as running:
    with Client(running.endpoint) as asking:
        test_estimate(asking)
        test_state(asking)
        test_current(asking)
        test_push(running, asking)
    check("the service has ended well", running.stop() == 0, running.log)
test_expiry()
test_no_hysteresis()
test_forgotten()
CONTEXT.destroy(0)
tap.done()
