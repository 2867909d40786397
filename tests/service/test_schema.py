"""Requests and replies against their schemas, and the service against the schema of requests."""
import glob
import json

from service import CONTEXT, Client, Service, tap
from tap import check

try:
    import jsonschema
except ImportError:
    tap.skip("schemas", "python3-jsonschema is not installed")
    tap.done()


def load(name):
    with open("configs/schema/%s.json" % name) as file:
        schema = json.load(file)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    return validator(schema)


REQUEST, REPLY, PLAN, REGIONS = load("request"), load("reply"), load("plan"), load("regions")
# What a schema cannot know: what the catalogue has, that numbers fit their keys.
NOT_IN_THE_SCHEMA = {"unknown_network", "unknown_device", "unknown_server", "unknown_link",
                     "infeasible", "overloaded"}
MORE = [
    {"v": 1, "op": "map", "network": "chain", "rates": ["1 Mbit/s", "1 Gbit/s"]},
    {"v": 1, "op": "plan", "network": "chain", "wire": "any", "alternatives": 1, "device": "board",
     "server": "box", "link": "plain"},
    {"v": 1, "op": "plan", "network": "chain", "alternatives": 101},
    {"v": 1, "op": "plan", "network": "chain", "rates": ["1 Mbit/s", "2 Mbit/s"]},
    {"v": 1, "op": "plan", "network": "chain", "objective": "cheap"},
    {"v": 1, "op": "plan", "network": "chain", "pins": {"conv1": "cloud"}},
    {"v": 1, "op": "plan", "network": "chain", "current": "XYZ"},
    {"v": 1, "op": "plan", "network": ""}, {"v": 1, "op": "plan"}, {"v": 1, "op": "ping", "x": 1},
    {"v": 1, "op": "describe"}, {"v": 1, "op": "describe", "network": "chain", "device": "board"},
    {"v": 1, "op": "list", "kind": "boats"}, {"v": 1, "op": "state"}, {"v": 1, "id": [], "op": "ping"},
    {"v": 1, "op": "observe", "device_id": "x"}, {"op": "ping"}, {"v": 1},
]


def problems(validator, document):
    return [e.message[:200] for e in validator.iter_errors(document)]


def test(client, name, text):
    reply = client.raw(text)
    check("%s: the reply fits its schema" % name, not problems(REPLY, reply), problems(REPLY, reply))
    if "plan" in reply and b'"explain":false' not in text:
        # The command lists other cuts as well, which a reply has on request only.
        found = problems(PLAN, {"alternatives": [], "rivals": [], **reply["plan"]})
        check("%s: so does its plan" % name, not found, found)
    if "map" in reply:
        check("%s: so does its map" % name, not problems(REGIONS, reply["map"]))
    try:
        request = json.loads(text)
    except ValueError:
        return
    fits = not problems(REQUEST, request)
    taken = reply["ok"] or reply["error"]["code"] in NOT_IN_THE_SCHEMA
    check("%s: schema and service agree on it" % name, fits == taken,
          "%s: %s" % (problems(REQUEST, request), reply.get("error")))


with Service("--catalogue", tap.DATA, "--catalogue", "configs") as service:
    with Client(service.endpoint) as asking:
        for path in sorted(glob.glob("tests/data/service/requests/*.json")):
            with open(path, "rb") as corpus:
                test(asking, path.split("/")[-1], corpus.read())
        for i, extra in enumerate(MORE):
            test(asking, "request %d" % (i + 1), json.dumps(extra).encode())
    check("the service has ended well", service.stop() == 0)
CONTEXT.destroy(0)
tap.done()
