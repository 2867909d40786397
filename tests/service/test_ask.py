"""kerf ask, and the examples in C and Python, against a running service."""
import json
import os
import shlex
import subprocess
import sys
import tempfile

from service import CONTEXT, Client, Service, tap, zmq
from tap import check, kerf

SCENE = ["--device", "board", "--server", "box", "--link", "plain"]
NOBODY = "ipc:///tmp/kerf-nobody-%d.sock" % os.getpid()


def agree(a, b):
    """Equal, numbers to rounding."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(agree(a[k], b[k]) for k in a)
    return tap.close(a, b, 1e-12) or abs(a - b) < 1e-15


def ask(service, *arguments):
    return kerf("ask", *arguments, "--endpoint", service.endpoint, "--timeout", "30s")


def test_plans(service):
    for options in ([], ["--objective", "latency", "--deadline", "1s"],
                    ["--objective", "weighted:energy=1,latency=0.5", "--result", "server"],
                    ["--uplink", "3 Mbit/s", "--rtt", "40ms", "--connection", "warm", "--loss", "1%"],
                    ["--pin", "conv1=device", "--wire", "int8", "--input-size", "10kB"],
                    ["--power-mode", "any", "--server-load", "0.5", "--max-bytes", "1MB"],
                    ["--top", "3", "--solver", "exhaustive"]):
        status, out, err = ask(service, "chain", *SCENE, *options, "--json")
        got, expected = json.loads(out), tap.plan("chain", *SCENE, *options)
        costs = [agree(got["cost"][key], expected["cost"][key]) for key in expected["cost"]]
        check("ask chain %s: as kerf plan" % " ".join(options),
              status == 0 and all(costs) and got["cut"] == expected["cut"]
              and ("--top" not in options or got["alternatives"] == expected["alternatives"]), err)
    # A file that the service does not have goes with the question.
    link = "tests/data/cli/links/mobile.json"
    status, out, err = ask(service, "chain", *SCENE[:4], "--link", link, "--rtt", "30ms", "--json")
    expected = tap.plan("chain", *SCENE[:4], "--link", link, "--rtt", "30ms")
    check("a link file goes along", status == 0 and agree(json.loads(out)["cost"], expected["cost"]), err)
    status, out, err = ask(service, "chain", *SCENE, "--top", "3")
    answer = kerf("plan", "chain", *SCENE, "--top", "3")[1]
    check("the table has the plan's figures", status == 0 and err == ""
          and [line for line in answer.splitlines() if line.startswith("latency")][0].split()[1:3]
          == [line for line in out.splitlines() if line.startswith("latency")][0].split()[1:3]
          and "proof        optimal" in out and "next best cuts" in out, out)
    cut = tap.plan("chain", *SCENE)["cut_id"]
    check("and names the cut", out.splitlines()[-1].split() == ["cut", cut], out)
    out = ask(service, "plan", "chain", *SCENE, "--current", cut)[1]
    check("the current cut stays", "current      stays" in out, out)


def test_refusals(service):
    status, out, err = ask(service, "chian", *SCENE)
    check("an unknown network", status == 2 and out == "" and '"chain"' in err and "/network" in err, err)
    status, out, err = ask(service, "chain", *SCENE, "--deadline", "1us")
    check("an infeasible question ends with 3", status == 3 and out == "" and "deadline" in err, err)
    for words in (["ping", "x"], ["describe", "network"], ["list", "a", "b"], ["state"], ["watch"],
                  ["chain", "extra"]):
        status, out, err = ask(service, *words)
        check("ask %s is wrong usage" % " ".join(words), status == 2 and out == "" and "ask" in err, err)
    for option in (["--result", "cloud"], ["--pin", "conv1=cloud"]):
        status, out, err = ask(service, "chain", *SCENE, *option)
        check("ask %s is for kerf plan" % " ".join(option), status == 2 and "kerf plan" in err, err)
    status, out, err = kerf("ask", "ping", "--endpoint", "nonsense")
    check("an endpoint that is none", status == 2 and "nonsense" in err, err)


def test_operations(service):
    check("ping", ask(service, "ping")[1].split() == ["kerf", kerf("--version")[1].split()[1]])
    out = json.loads(ask(service, "stats", "--json")[1])
    check("stats as JSON", out["ok"] and out["stats"]["requests"] > 0)
    check("stats as lines", "requests" in ask(service, "stats")[1])
    check("list", "chain" in ask(service, "list", "networks")[1])
    check("describe", "power_modes" in ask(service, "describe", "device", "board")[1])
    status, out, err = ask(service, "describe", "device", "nobody")
    check("describe what is not there", status == 1 and "unknown_device" in err, err)
    status, out, err = ask(service, "observe", "cam-1", "--uplink", "3 Mbit/s", "--rtt", "10ms",
                           "--latency", "50ms", "--energy", "1 J", "--link", "plain", "--json")
    estimate = json.loads(out)["estimate"]
    check("observe", status == 0 and estimate["uplink_bps"] == 3e6 and estimate["rtt_s"] == 0.01
          and estimate["energy_J"] == 1 and estimate["link"] == "plain", out)
    got = json.loads(ask(service, "chain", *SCENE[:4], "--device-id", "cam-1", "--json")[1])
    expected = tap.plan("chain", *SCENE, "--uplink", "3 Mbit/s", "--rtt", "10ms")
    check("what was observed stands in for the link", agree(got["cost"], expected["cost"]))
    state = ask(service, "state", "cam-1", "--json")
    check("state", state[0] == 0 and json.loads(state[1])["cut_id"] == expected["cut_id"], state)


def test_watch(service):
    """A subscriber that is there before the change hears of it."""
    with Client(service.endpoint) as client:
        watcher = subprocess.Popen([tap.KERF, "ask", "watch", "cam-2", "--publisher",
                                    service.publisher, "--count", "1"], env=tap.ENV, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # The subscription takes its time to arrive: the decision is changed until it is heard of.
        rates = ["100 kbit/s", "10 Gbit/s"]
        while watcher.poll() is None:
            rates.reverse()
            client.plan("chain", device="board", server="box", device_id="cam-2",
                        link={"base": "plain", "uplink": rates[0]})
        out, err = watcher.communicate()
        check("watch prints a changed decision",
              watcher.returncode == 0 and out.startswith("cam-2: cut "), out + err)


def test_nobody():
    status, out, err = kerf("ask", "ping", "--endpoint", NOBODY, "--timeout", "20ms", "--attempts", "2")
    check("nobody answers", status == 1 and out == "" and NOBODY in err and "2 times" in err, err)
    status, out, err = kerf("ask", "chain", *SCENE, "--endpoint", NOBODY, "--timeout", "20ms",
                            "--fallback", "--json")
    check("--fallback plans here, and says so", status == 0 and "planned here" in err
          and json.loads(out)["cost"] == tap.plan("chain", *SCENE)["cost"], err)


def test_failover(service):
    """The first endpoint is dead, the second one answers; so does a first one that is mute."""
    for name, first in (("that is not there", NOBODY), ("that is mute", None)):
        mute = CONTEXT.socket(zmq.ROUTER)
        if first is None:
            mute.bind("tcp://127.0.0.1:*")
            first = mute.last_endpoint.decode()
        status, out, err = kerf("ask", "ping", "--endpoint", first, "--endpoint", service.endpoint,
                                "--timeout", "200ms", "--attempts", "20")
        check("from an endpoint %s to the next one" % name, status == 0 and "kerf" in out, err)
        mute.close(0)


def test_examples(service):
    run = subprocess.run([sys.executable, "docs/examples/ask.py", service.endpoint, "chain"],
                         capture_output=True, text=True, timeout=60)
    check("the example in Python", run.returncode == 0 and run.stdout.startswith("cut "), run.stderr)
    build = os.environ.get("KERF_BUILD", "build")
    if build != "build":
        tap.skip("the example in C", "only the release build is linked with")
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [*shlex.split(os.environ.get("CC", "cc")), "-std=c11", "-Wall", "-Wextra",
                   "-Wpedantic", "-Werror", "-Iinclude", "docs/examples/ask.c", "-o", folder + "/ask",
                   "-L" + build, "-l:libkerf.so", "-Wl,-rpath," + os.path.abspath(build)]
        made = subprocess.run(command, capture_output=True, text=True)
        check("the example in C builds", made.returncode == 0, made.stderr)
        run = subprocess.run([folder + "/ask", service.endpoint, "chain"], capture_output=True,
                             text=True, timeout=60)
        check("and asks", run.returncode == 0 and run.stdout.startswith("cut "), run.stderr)
        run = subprocess.run([folder + "/ask", service.endpoint, "nothing"], capture_output=True,
                             text=True, timeout=60)
        check("and says what is refused", run.returncode == 1 and "/network" in run.stderr, run.stderr)


# The examples name no device, server or link: the catalogue has the usual ones as well.
with Service("--catalogue", tap.DATA, "--catalogue", "configs", publish=True) as running:
    test_plans(running)
    test_refusals(running)
    test_operations(running)
    test_watch(running)
    test_failover(running)
    test_examples(running)
    check("the service has ended well", running.stop() == 0, running.log)
test_nobody()
CONTEXT.destroy(0)
tap.done()
