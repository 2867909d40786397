"""Starting kerf serve, and talking to it as any client would."""
import json
import os
import selectors
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/cli")
import tap

try:
    import zmq
except ImportError:
    tap.skip("the service", "python3-zmq is not installed")
    tap.done()

PATIENCE = 60  # seconds until a test gives up; nothing waits for as long unless something is wrong
CONTEXT = zmq.Context()


class Service:
    """A running kerf serve with any free port; its log is read as it comes."""

    def __init__(self, *options, binds=("tcp://127.0.0.1:*",), publish=False, env=None):
        command = [tap.KERF, "serve", *options]
        for bind in binds:
            command += ["--bind", bind]
        if publish:
            command += ["--publish", "tcp://127.0.0.1:*"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=dict(tap.ENV, **(env or {})), text=True, bufsize=1)
        os.set_blocking(self.process.stderr.fileno(), False)
        self.log = ""
        self.endpoints = [self.process.stdout.readline().strip() for _ in binds]
        self.endpoint = self.endpoints[0]
        self.publisher = self.process.stdout.readline().split()[1] if publish else None
        if not self.endpoint:
            raise AssertionError("kerf serve did not start: %s" % self.process.stderr.read())

    def read_log(self):
        try:
            self.log += self.process.stderr.read() or ""
        except (BlockingIOError, TypeError):
            pass
        return self.log

    def wait_for_log(self, text, count=1):
        """Until the log holds the text so many times."""
        end = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stderr, selectors.EVENT_READ)
            while self.read_log().count(text) < count:
                left = end - time.monotonic()
                if left <= 0 or not selector.select(left):
                    return False
        return True

    def reload(self, text="read the catalogue again"):
        before = self.read_log().count(text)
        self.process.send_signal(signal.SIGHUP)
        return self.wait_for_log(text, before + 1)

    def stop(self, number=signal.SIGTERM):
        """Ends it; returns its status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        os.set_blocking(self.process.stderr.fileno(), True)
        status = self.process.wait(PATIENCE)
        self.log += self.process.stderr.read() or ""
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.process.stdout.closed:
            self.stop()


class Client:
    """A DEALER, or with kind=zmq.REQ what sends an empty frame first."""

    def __init__(self, endpoint, kind=zmq.DEALER):
        self.socket = CONTEXT.socket(kind)
        self.socket.linger = 0
        self.socket.rcvtimeo = self.socket.sndtimeo = PATIENCE * 1000
        self.socket.sndhwm = self.socket.rcvhwm = 0
        self.socket.connect(endpoint)
        self.last = 0

    def send(self, request):
        self.socket.send(request if isinstance(request, bytes) else json.dumps(request).encode())

    def receive(self):
        return json.loads(self.socket.recv())

    def raw(self, message):
        """The reply to any bytes."""
        self.send(message)
        return self.receive()

    def ask(self, op, **fields):
        """The reply to a request with an id of its own, which must come back."""
        self.last += 1
        reply = self.raw({"v": 1, "id": self.last, "op": op, **fields})
        if reply.get("id") != self.last or reply.get("v") != 1:
            raise AssertionError("asked %d, got %s" % (self.last, reply))
        return reply

    def plan(self, network, **fields):
        reply = self.ask("plan", network=network, **fields)
        if not reply["ok"]:
            raise AssertionError("no plan: %s" % reply)
        return reply["plan"]

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
