"""The simulator's policy that asks a running service."""
import json

import service
import tap
from tap import check, kerf

BUNDLED = {"KERF_PATH": ""}
SHORT = ["--replications", "1", "--duration", "210 s", "--json", "--threads", "2"]
running = service.Service(env=BUNDLED)
endpoint = ["--endpoint", running.endpoint]
status, out, err = kerf("simulate", "car-lte", "--policy", "service", "--policy", "adaptive", "--policy", "static",
                        *endpoint, *SHORT, env=BUNDLED)
check("a service is asked", status == 0 and err == "", err)
asked, adaptive, static = (p["groups"][0] for p in json.loads(out)["policies"])
check("every inference ends once", asked["inferences"]["arrived"] == adaptive["inferences"]["arrived"] ==
      sum(asked["inferences"][k] for k in ("done", "missed", "dropped")), asked["inferences"])
check("its answers are used", asked["inferences"]["switches"] > 0, asked["inferences"])
check("and serve about as well as planning on the board",
      abs(asked["latency_s"]["mean"] - adaptive["latency_s"]["mean"]) < 0.1 * adaptive["latency_s"]["mean"] and
      asked["latency_s"]["mean"] < static["latency_s"]["mean"],
      [g["latency_s"]["mean"] for g in (asked, adaptive, static)])
again = kerf("simulate", "car-lte", "--policy", "service", "--policy", "adaptive", "--policy", "static",
             *endpoint, *SHORT, env=BUNDLED)[1]
check("again with the same bytes", again == out)
running.stop()
tap.fails("nobody answers", 1, ["simulate", "one-board-wifi", "--policy", "service", *endpoint], "no service answers",
          env=BUNDLED)
tap.done()
