#!/usr/bin/env python3
"""A board that asks a running kerf serve where to cut, with pyzmq (python3-zmq) alone:

    ask.py tcp://127.0.0.1:5599 resnet50
"""
import json
import sys

import zmq


class Service:
    """Asks with a timeout and retries: the Lazy Pirate pattern of the ZeroMQ guide."""

    def __init__(self, *endpoints, timeout=1.0, attempts=3):
        self.context = zmq.Context.instance()
        self.endpoints = list(endpoints)
        self.timeout = timeout
        self.attempts = attempts
        self.socket = None
        self.last_id = 0

    def ask(self, op, **fields):
        for _ in range(self.attempts):
            self.last_id += 1
            if self.socket is None:
                self.socket = self.context.socket(zmq.DEALER)
                self.socket.linger = 0
                self.socket.connect(self.endpoints[0])
            request = {"v": 1, "id": self.last_id, "op": op, **fields}
            self.socket.send(json.dumps(request).encode())
            while self.socket.poll(int(self.timeout * 1000)):
                reply = json.loads(self.socket.recv())
                if reply["id"] == self.last_id:  # not one to an earlier attempt
                    return reply
            self.socket.close()  # a fresh connection, to the next endpoint
            self.socket = None
            self.endpoints.append(self.endpoints.pop(0))
        raise TimeoutError("no service answers at " + ", ".join(self.endpoints))


def main(endpoint, network):
    service = Service(endpoint)
    # What the board has measured of its link; from then on it need not state it.
    service.ask("observe", device_id="cam-7", uplink="11 Mbit/s", rtt="25 ms")
    reply = service.ask("plan", network=network, device_id="cam-7")
    if not reply["ok"]:
        sys.exit("ask.py: %s" % reply["error"]["message"])
    plan = reply["plan"]
    print("cut %s: %d operators here, %.1f mJ and %.1f ms" % (
        plan["cut_id"], len(plan["cut"]["device_operators"]),
        1e3 * plan["cost"]["device_energy_J"], 1e3 * plan["cost"]["latency_s"]))
    for tensor in plan["cut"]["tensors"]:
        print("send %s" % tensor["name"])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: ask.py ENDPOINT NETWORK")
    main(*sys.argv[1:])
