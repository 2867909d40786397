"""Many clients at once, and clients that behave badly: nobody else is worse off."""
import json
import signal
import threading
import time

from service import CONTEXT, PATIENCE, Client, Service, tap, zmq
from tap import check

# Of some 9 kB for each reply: more than the service keeps for those who do not read (64 MiB), and than
# the queues of the connection and of the kernel take besides.
DEAF_REQUESTS = 12000
HIT = {"network": "chain", "device": "board", "server": "box", "link": "plain"}


def slow(i, limit="200 ms"):
    """A question that needs a solve of its own, and takes its time."""
    return {"v": 1, "id": i, "op": "plan", "network": "inceptionv3", "solver": "milp",
            "objective": "throughput", "device_memory": "20 MB", "deadline": "%d us" % (1000000 + i),
            "time_limit": limit}


def plan(i, **fields):
    return {"v": 1, "id": i, "op": "plan", **HIT, **fields}


def collect(client, n):
    """So many replies by id; an id that comes twice shows as a missing one."""
    replies = {}
    for _ in range(n):
        reply = client.receive()
        replies[reply["id"]] = reply
    return replies


def quiet(client):
    """No reply is left over, once a later request has been answered."""
    reply = client.raw({"v": 1, "id": "last", "op": "ping"})
    return reply["id"] == "last" and client.socket.poll(0) == 0


def test_pipelined(service):
    """Five thousand requests of all kinds in one go, good and bad: one reply to each."""
    kinds = [lambda i: {"v": 1, "id": i, "op": "ping"}, lambda i: plan(i),
             lambda i: plan(i, link={"base": "plain", "uplink": "%d kbit/s" % (100 + 7 * i)}),
             lambda i: plan(i, deadline="1 us"), lambda i: {"v": 1, "id": i, "op": "?"},
             lambda i: {"v": 1, "id": i, "op": "observe", "device_id": "d%d" % (i % 10), "rtt": "1 ms"},
             lambda i: plan(i, objective="latency", alternatives=1 + i % 3)]
    with Client(service.endpoint) as client:
        n = 5000
        for i in range(n):
            client.send(kinds[i % len(kinds)](i))
        replies = collect(client, n)
        check("a reply to each of %d requests" % n, sorted(replies) == list(range(n)))
        wrong = [i for i in range(n) if replies[i]["ok"] != (i % len(kinds) not in (3, 4))]
        check("and the right one", not wrong, [replies[i] for i in wrong[:3]])
        check("and no other", quiet(client))


def test_at_once(service):
    """Threads that ask with changing links get what one client alone gets."""
    rates = [10 ** (k / 4) * 1e5 for k in range(16)]
    with Client(service.endpoint) as client:
        alone = [client.plan(**{**HIT, "link": {"base": "plain", "uplink": "%.17g bit/s" % r}})
                 for r in rates]
    wrong = []

    def ask(number):
        with Client(service.endpoint, zmq.REQ if number % 2 else zmq.DEALER) as mine:
            for k in range(48):
                at = (k * 5 + number) % len(rates)
                link = {"base": "plain", "uplink": "%.17g bit/s" % rates[at]}
                if mine.plan(**{**HIT, "link": link}) != alone[at]:
                    wrong.append((number, k))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("eight clients at once get what one alone gets", not wrong, wrong[:5])
    clients = [Client(service.endpoint) for _ in range(200)]
    for i, client in enumerate(clients):
        client.send(plan(i))
    check("200 connections", [c.receive()["id"] for c in clients] == list(range(200)))
    for client in clients:
        client.close()


def test_together(service):
    """Who asks for what is being made waits for it: it is made once."""
    with Client(service.endpoint) as client:
        before = client.ask("stats")["stats"]
        clients = [Client(service.endpoint) for _ in range(10)]
        for asking in clients:
            asking.send(slow(70))
        replies = [asking.receive() for asking in clients]
        after = client.ask("stats")["stats"]
        for asking in clients:
            asking.close()
    check("ten clients with one new question get one answer",
          all(r == replies[0] for r in replies) and after["solves"] == before["solves"] + 1,
          (before["solves"], after["solves"]))


def test_slow_ones(service):
    """What needs a solve does not hold up what does not."""
    with Client(service.endpoint) as patient, Client(service.endpoint) as hasty:
        hasty.plan(**HIT)
        for i in range(6):
            patient.send(slow(100 + i))
        for _ in range(50):
            hasty.plan(**HIT)
        waiting = hasty.ask("stats")["stats"]["queue"]
        check("50 answers while solves are under way", waiting["waiting"] > 0, waiting)
        check("which are answered as well", sorted(collect(patient, 6)) == list(range(100, 106)))


def test_storm():
    """One client floods; it is told so, and another one's fresh question is answered in turn."""
    with Service("--catalogue", tap.DATA, "--catalogue", "configs", "--threads", "1", "--queue",
                 "32") as service, Client(service.endpoint) as storm, Client(service.endpoint) as other:
        n = 60
        for i in range(n):
            storm.send(slow(i, "50 ms"))
        storm.send({"v": 1, "id": "sent", "op": "ping"})
        other.send(slow(1000, "50 ms"))
        replies = collect(storm, n + 1)
        check("each request of a storm has its reply", len(replies) == n + 1 and quiet(storm))
        codes = [r["error"]["code"] if not r["ok"] else "ok" for r in replies.values()]
        check("most say overloaded", codes.count("overloaded") >= n - 10, codes)
        reply = other.receive()
        check("another client is not", reply["ok"] or reply["error"]["code"] != "overloaded", reply)
        reply = storm.raw(slow(2000, "50 ms"))
        check("nor is the first one afterwards",
              reply["ok"] or reply["error"]["code"] != "overloaded", reply)
        check("the service ends well", service.stop() == 0, service.log)


def dropped_until(client, least):
    """How many replies were dropped, once they are so many or patience is out: a solve ends when its
    time is up, whatever else has been answered by then. Each turn is an answer to somebody who behaves."""
    end = time.monotonic() + PATIENCE
    while True:
        dropped = client.ask("stats")["stats"]["dropped"]
        if dropped >= least or time.monotonic() > end:
            return dropped


def test_gone(service):
    """Clients that leave before their answer, and one that never reads."""
    with Client(service.endpoint) as client:
        before = client.ask("stats")["stats"]["dropped"]
        for i in range(5):
            gone = Client(service.endpoint)
            gone.send(slow(200 + i))
            gone.raw({"v": 1, "op": "ping"})  # the question has arrived
            gone.close()
        dropped = dropped_until(client, before + 1)
        check("replies to those who have left are counted", dropped > before, dropped)
        while client.ask("stats")["stats"]["queue"]["waiting"] > 0:
            pass
        before = client.ask("stats")["stats"]["dropped"]
        deaf = CONTEXT.socket(zmq.DEALER)
        deaf.linger, deaf.rcvhwm, deaf.sndhwm = 0, 1, 0
        deaf.connect(service.endpoint)
        request = json.dumps({"v": 1, "op": "describe", "network": "inceptionv3"}).encode()
        for _ in range(DEAF_REQUESTS):
            deaf.send(request)
        while client.ask("stats")["stats"]["operations"]["describe"] < DEAF_REQUESTS:
            pass
        dropped = client.ask("stats")["stats"]["dropped"]
        check("replies that nobody takes are kept up to a bound, the others counted",
              before < dropped < before + DEAF_REQUESTS, dropped)
        check("those who read get theirs", client.plan(**HIT)["cut_id"])
        deaf.close(0)


def test_drain():
    """SIGTERM: what has been received is answered, also what waits for a solve."""
    with Service("--catalogue", tap.DATA, "--catalogue", "configs", "--drain", "60s") as service:
        with Client(service.endpoint) as client:
            for i in range(6):
                client.send(slow(i))
            client.raw({"v": 1, "id": "sent", "op": "ping"})
            service.process.send_signal(signal.SIGTERM)
            check("what is queued is answered", sorted(collect(client, 6)) == list(range(6)))
            check("and the status is 0", service.stop() == 0, service.log)


with Service("--catalogue", tap.DATA, "--catalogue", "configs") as running:
    test_pipelined(running)
    test_at_once(running)
    test_together(running)
    test_slow_ones(running)
    test_gone(running)
    check("the service has ended well", running.stop() == 0, running.log)
test_storm()
test_drain()
CONTEXT.destroy(0)
tap.done()
