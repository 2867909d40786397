"""A TCP proxy that makes loopback as slow as a link: in each direction a token bucket of a given rate
(one packet deep) and a propagation delay.

    shaping_proxy.py TARGET_PORT UPLINK_BPS DOWNLINK_BPS DELAY_S

Listens on a free port of 127.0.0.1, which it prints; "up" is from who connects to the target. Bytes
keep their order, and leave when the link would have carried them and the delay has passed. Ends with
its standard input.
"""
import collections
import socket
import sys
import threading
import time

PACKET = 1448
MOST_QUEUED = 16 << 20


class Direction:
    """One direction of one connection: a thread reads and schedules, another delivers."""

    def __init__(self, source, sink, rate_bps, delay_s):
        self.source, self.sink = source, sink
        self.byte_s, self.delay_s = 8 / rate_bps, delay_s
        self.queue, self.queued = collections.deque(), 0
        self.changed = threading.Condition()
        for work in (self.read, self.deliver):
            threading.Thread(target=work, daemon=True).start()

    def read(self):
        free_at = 0.0  # when the link has carried everything so far
        while True:
            try:
                data = self.source.recv(PACKET)
            except OSError:
                data = b""
            free_at = max(free_at, time.monotonic()) + len(data) * self.byte_s
            with self.changed:
                while self.queued > MOST_QUEUED:
                    self.changed.wait()
                self.queue.append((free_at + self.delay_s, data))
                self.queued += len(data)
                self.changed.notify_all()
            if not data:
                return

    def deliver(self):
        while True:
            with self.changed:
                while not self.queue:
                    self.changed.wait()
                due, data = self.queue.popleft()
                self.queued -= len(data)
                self.changed.notify_all()
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            try:
                if not data:
                    self.sink.shutdown(socket.SHUT_WR)
                    return
                self.sink.sendall(data)
            except OSError:
                return


def main():
    target, up, down, delay = int(sys.argv[1]), *(float(a) for a in sys.argv[2:5])
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", target))
            for s in (near, far):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Direction(near, far, up, delay)
            Direction(far, near, down, delay)

    threading.Thread(target=accept, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


main()
