"""The service is killed and started again while clients ask: they recover by themselves, every request
is answered or times out, and no answer is wrong."""
import json
import threading
import time

from service import CONTEXT, PATIENCE, Client, Service, tap, zmq
from tap import KERF, check, kerf

QUESTION = {"network": "chain", "device": "board", "server": "box", "link": "plain"}
KILLS = 3
CLIENTS = 4

first = Service()
endpoint = first.endpoint
with Client(endpoint) as client:
    expected = {rate: client.plan("chain", device="board", server="box",
                                  link={"base": "plain", "uplink": "%d kbit/s" % rate})
                for rate in (100, 1000, 10000, 100000)}
stop = threading.Event()
tallies = []


def lazy_pirate(number):
    """Asks until told to stop; a fresh socket after every time-out."""
    tally = {"answered": 0, "timed out": 0, "wrong": [], "gap": 0.0}
    tallies.append(tally)
    sock, i, last = None, 0, time.monotonic()
    rates = sorted(expected)
    while not stop.is_set():
        i += 1
        rate = rates[(i + number) % len(rates)]
        if sock is None:
            sock = CONTEXT.socket(zmq.DEALER)
            sock.linger = 0
            sock.connect(endpoint)
        sock.send_json({"v": 1, "id": i, "op": "plan", **QUESTION,
                        "link": {"base": "plain", "uplink": "%d kbit/s" % rate}})
        if not sock.poll(200):
            tally["timed out"] += 1
            sock.close()
            sock = None
            continue
        reply = sock.recv_json()
        now = time.monotonic()
        tally["gap"], last = max(tally["gap"], now - last), now
        tally["answered"] += 1
        plan = reply.get("plan")
        if reply["id"] != i or not plan or plan["cut_id"] != expected[rate]["cut_id"] or plan["cost"] != expected[rate]["cost"]:
            tally["wrong"].append(reply)
    if sock is not None:
        sock.close()


def answered():
    return sum(t["answered"] for t in tallies)


def wait_for(more):
    """Until so many more requests have been answered."""
    wanted, end = answered() + more, time.monotonic() + PATIENCE
    while answered() < wanted and time.monotonic() < end:
        stop.wait(0.01)
    return answered() >= wanted


threads = [threading.Thread(target=lazy_pirate, args=(i,)) for i in range(CLIENTS)]
for thread in threads:
    thread.start()
service, recovered = first, wait_for(100)
for kill in range(KILLS):
    service.process.kill()
    service.process.wait()
    service.process.stdout.close()
    service.process.stderr.close()
    # The C client finds nobody, and says so in time.
    status, out, err = kerf("ask", "ping", "--endpoint", endpoint, "--timeout", "100ms", "--attempts", "2")
    check("%d: without a service the client says so" % kill, status == 1 and "no service answers" in err, err)
    status, out, err = kerf("ask", "chain", "--device", "board", "--server", "box", "--link", "plain", "--endpoint", endpoint,
                            "--timeout", "100ms", "--attempts", "1", "--fallback", "--json")
    check("%d: or plans by itself" % kill, status == 0 and json.loads(out)["cut"] is not None and err != "", err)
    service = Service(binds=(endpoint,))
    recovered = wait_for(100) and recovered
    status, out, err = kerf("ask", "ping", "--endpoint", endpoint)
    check("%d: it is asked again by the same client" % kill, status == 0, err)
stop.set()
for thread in threads:
    thread.join()
check("clients recover by themselves", recovered and all(t["answered"] > 0 for t in tallies), tallies)
check("no answer is wrong", not any(t["wrong"] for t in tallies), [t["wrong"][:1] for t in tallies])
check("requests were lost, and timed out", sum(t["timed out"] for t in tallies) >= KILLS, tallies)
check("the last service ends well", service.stop() == 0, service.log)
tap.done()
