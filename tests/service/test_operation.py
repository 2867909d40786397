"""Operating the service: keys, metrics, systemd, logs, starting and stopping."""
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import urllib.error
import urllib.request

from service import CONTEXT, PATIENCE, Client, Service, tap, zmq
from tap import KERF, check, fails, kerf

ROOT = tempfile.mkdtemp(prefix="kerf-operation-")


def path(name):
    return os.path.join(ROOT, name)


def keygen(name):
    status, out, err = kerf("keygen", path(name))
    if status != 0:
        raise AssertionError(err)
    return out.strip()


def read_key(name, which):
    return re.search(r'%s-key = "(.{40})"' % which, open(path(name), encoding="ascii").read()).group(1).encode()


def dealer(endpoint, certificate=None, server=None):
    """A client of pyzmq's own, with keys that pyzmq reads itself."""
    sock = CONTEXT.socket(zmq.DEALER)
    sock.linger = 0
    sock.sndtimeo = PATIENCE * 1000
    if certificate:
        sock.curve_publickey, sock.curve_secretkey = read_key(certificate, "public"), read_key(certificate, "secret")
        sock.curve_serverkey = server
    sock.connect(endpoint)
    return sock


def pong(sock, timeout_s):
    """Whether it is answered. libzmq gives up a connection whose handshake has been refused, and a send
    to nobody would wait for ever."""
    if not sock.poll(timeout_s * 1000, zmq.POLLOUT):
        return False
    sock.send(b'{"v":1,"id":1,"op":"ping"}')
    return bool(sock.poll(timeout_s * 1000)) and json.loads(sock.recv())["ok"]


# --- keys ---

os.mkdir(path("clients"))
public = {name: keygen(name) for name in ("server", "cam", "evil")}
shutil.copy(path("cam"), path("clients/cam"))
check("a pair: the public key is printed, the secret is its owner's alone",
      read_key("cam", "public").decode() == public["cam"] and "secret-key" not in open(path("cam")).read() and
      stat.S_IMODE(os.stat(path("cam_secret")).st_mode) == 0o600)
check("pairs differ", len(set(public.values())) == 3)
fails("keys are not overwritten", 1, ["keygen", path("cam")], "cam")
check("and stay as they were", read_key("cam_secret", "public").decode() == public["cam"])
try:
    import zmq.auth
    keys = zmq.auth.load_certificate(path("cam_secret"))
    check("pyzmq reads them", keys[0].decode() == public["cam"] and keys[1] == read_key("cam_secret", "secret"))
except ImportError:
    tap.skip("pyzmq reads them", "no zmq.auth")

KEYS = ["--curve-secret", path("server_secret"), "--authorized-keys", path("clients")]
SERVER = read_key("server", "public")
with Service(*KEYS, publish=True) as service:
    known = dealer(service.endpoint, "cam_secret", SERVER)
    check("a known client is answered", pong(known, PATIENCE))
    check("so is kerf ask", kerf("ask", "ping", "--endpoint", service.endpoint, "--curve-server", path("server"),
                                 "--curve-secret", path("cam_secret"))[0] == 0)
    for name, sock in (("without keys", dealer(service.endpoint)),
                       ("with an unknown key", dealer(service.endpoint, "evil_secret", SERVER)),
                       ("with the wrong key of the service", dealer(service.endpoint, "cam_secret",
                                                                    read_key("evil", "public")))):
        check("a client %s is not" % name, not pong(sock, 0.5))
        sock.close()
    check("it is in the log", service.wait_for_log("refused a client") and public["evil"] in service.read_log())
    known.send(b'{"v":1,"id":2,"op":"stats"}')
    check("and counted", json.loads(known.recv())["stats"]["refused_clients"] >= 1)
    check("the known one is answered all the while", pong(known, PATIENCE))
    fails("kerf ask without keys says that nobody answers", 1,
          ["ask", "ping", "--endpoint", service.endpoint, "--timeout", "200ms", "--attempts", "1"], "no service answers")
    # A key that is authorized later.
    shutil.copy(path("evil"), path("clients/evil"))
    service.reload()
    late = dealer(service.endpoint, "evil_secret", SERVER)
    check("a key is authorized by SIGHUP", pong(late, PATIENCE))
    late.close()
    open(path("clients/broken"), "w").write("nonsense\n")
    service.process.send_signal(signal.SIGHUP)
    check("a broken key is refused, and the old ones serve on",
          service.wait_for_log("could not read the authorized keys again") and pong(known, PATIENCE))
    os.remove(path("clients/broken"))
    os.rename(path("clients"), path("away"))
    service.process.send_signal(signal.SIGHUP)
    check("so they do when the folder disappears",
          service.wait_for_log("could not read the authorized keys again", 2) and pong(known, PATIENCE))
    os.rename(path("away"), path("clients"))
    subscriber = CONTEXT.socket(zmq.SUB)
    subscriber.linger = 0
    subscriber.subscribe(b"")
    subscriber.connect(service.publisher)
    check("announcements need keys as well", not subscriber.poll(200))
    subscriber.close()
    known.close()
    check("it ends with status 0", service.stop() == 0)

for name, options, expected in (
        ("one key of two", ["--curve-secret", path("server_secret")], "expected both"),
        ("a folder without a key", ["--authorized-keys", path("clients")], "expected both"),
        ("a public certificate for a secret one", ["--curve-secret", path("server"), "--authorized-keys", path("clients")], "chmod 600"),
        ("no such file", ["--curve-secret", path("none"), "--authorized-keys", path("clients")], "none"),
        ("no such folder", ["--curve-secret", path("server_secret"), "--authorized-keys", path("none")], "none")):
    status, out, err = kerf("serve", "--bind", "tcp://127.0.0.1:*", *options)
    check("%s is refused" % name, status in (1, 2) and expected in err.splitlines()[-1], err)
os.chmod(path("server_secret"), 0o644)
status, out, err = kerf("serve", "--bind", "tcp://127.0.0.1:*", *KEYS)
check("a secret that others can read is refused", status in (1, 2) and "read by others" in err, err)
os.chmod(path("server_secret"), 0o600)
status, out, err = kerf("serve", "--bind", "tcp://0.0.0.0:*")
check("beyond loopback it needs keys", status == 2 and "--curve-secret" in err, err)
fails("a client with one key of two", 2, ["ask", "ping", "--curve-server", path("server")], "expected both")

# --- metrics ---


def metrics_port(service):
    return int(service.process.stdout.readline().split()[1])


def fetch(port, where="/metrics", method="GET"):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, where), method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


with Service("--metrics", "127.0.0.1:0", "--json-log") as service:
    port = metrics_port(service)
    with Client(service.endpoint) as client:
        for _ in range(5):
            client.ask("ping")
        client.ask("plan", network="no such network")
        # A client that connects and says nothing holds nobody up.
        silent = socket.create_connection(("127.0.0.1", port))
        kind, text = fetch(port)
        values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        check("metrics are Prometheus text", kind.startswith("text/plain; version=0.0.4") and
              all(re.fullmatch(r'[a-z_]+(\{[a-z]+="[^"]*"\})? [0-9.e+-]+|# (HELP|TYPE) .*', l) for l in text.splitlines()), text)
        check("they count", values["kerf_requests_total"] == "6" and values['kerf_operations_total{op="ping"}'] == "5" and
              values['kerf_errors_total{code="unknown_network"}'] == "1" and values["kerf_latency_seconds_count"] == "6", values)
        check("as stats does", client.ask("stats")["stats"]["requests"] == 7)
        for where, method, code in (("/", "GET", 404), ("/metrics", "POST", 405)):
            try:
                fetch(port, where, method)
                check("%s %s is %d" % (method, where, code), False)
            except urllib.error.HTTPError as error:
                check("%s %s is %d" % (method, where, code), error.code == code)
        silent.close()
        raw = socket.create_connection(("127.0.0.1", port))
        raw.sendall(b"\xff\x00garbage\r\n\r\n" * 1000)
        raw.close()
        check("garbage over HTTP harms nobody", client.ask("ping")["ok"] and "kerf_requests_total" in fetch(port)[1])
    check("it still ends with status 0", service.stop() == 0)
    lines = [json.loads(line) for line in service.log.splitlines()]
    check("the log is JSON, a line each", {"listening", "stopping"} <= {l["msg"] for l in lines} and
          all({"time", "level", "msg"} <= l.keys() for l in lines), service.log)
for address in ("nowhere", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", "host.name:1", ":-1", "[::1:5"):
    status, out, err = kerf("serve", "--bind", "tcp://127.0.0.1:*", "--metrics", address)
    check("%s is no address for metrics" % address, status == 2 and address in err, err)
with socket.socket() as taken:
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    address = "127.0.0.1:%d" % taken.getsockname()[1]
    for name, options in (("an address for metrics", ["--bind", "tcp://127.0.0.1:*", "--metrics", address]),
                          ("an endpoint", ["--bind", "tcp://" + address])):
        status, out, err = kerf("serve", *options)
        check("%s that is taken" % name, status == 1 and out == "" and
              "%s: cannot be bound: Address already in use" % address in err.splitlines()[-1], err)

# --- systemd ---

for name in ("notify", "\0kerf-test-%d" % os.getpid()):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.settimeout(PATIENCE)
    manager.bind(name if name[0] == "\0" else path(name))
    with Service(env={"NOTIFY_SOCKET": name.replace("\0", "@") if name[0] == "\0" else path(name),
                      "WATCHDOG_USEC": "100000"}) as service:
        heard = [manager.recv(100) for _ in range(4)]
        check("systemd hears that it is ready, and that it lives", heard.count(b"READY=1") == 1 and
              heard.count(b"WATCHDOG=1") == 3, heard)
        service.stop()
        while heard[-1] != b"STOPPING=1":
            heard.append(manager.recv(100))
        check("and that it stops", True)
    manager.close()
unit = "planner/service/kerf.service"
if shutil.which("systemd-analyze"):
    copy = path("kerf.service")
    text = re.sub(r"^ExecStart=\S+", "ExecStart=" + KERF, open(unit, encoding="utf-8").read(), flags=re.M)
    open(copy, "w", encoding="utf-8").write(text)
    run = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    check("the unit is well formed", "kerf.service" not in run.stderr, run.stderr)
else:
    tap.skip("the unit is well formed", "systemd-analyze is not installed")

# --- ipc, several endpoints, ending by either signal ---

with Service(binds=("tcp://127.0.0.1:*", "ipc://" + path("sock"))) as service:
    for endpoint in service.endpoints:
        with Client(endpoint) as client:
            check("answers at %s" % endpoint.split(":")[0], client.ask("ping")["ok"])
    check("SIGINT ends it with status 0 as well", service.stop(signal.SIGINT) == 0)
shutil.rmtree(ROOT)
tap.done()
