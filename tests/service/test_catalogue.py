"""Reading the catalogue again: all or nothing for a request, file by file for what is broken."""
import json
import os
import shutil
import tempfile
import threading

from service import CONTEXT, Client, Service, tap
from tap import check

SCENE = {"network": "chain", "device": "board", "server": "box", "link": "plain"}


def write(path, text):
    """As an editor does: the new file appears at once."""
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def read(path):
    with open(path) as file:
        return file.read()


def latency(client, **fields):
    """Of everything on the server: what the link does shows."""
    return client.plan(**{**SCENE, "pins": {"conv1": "server"}, **fields})["cost"]["latency_s"]


def test_reload(folder):
    link = folder + "/links/plain.json"
    good = json.loads(read(link))
    with Service("--catalogue", folder) as service, Client(service.endpoint) as client:
        before = latency(client)
        write(link, json.dumps({**good, "rtt": "300 ms"}))
        check("nothing changes by itself", latency(client) == before)
        check("SIGHUP is logged", service.reload(), service.log)
        check("a changed link counts", latency(client) > before + 0.2)
        write(link, "{broken")
        service.reload()
        check("a broken file is refused, with its name in the log", service.log.count(link) == 1
              and "level=error" in service.log and "serves on" in service.log, service.log)
        check("the old one serves on", latency(client) > before + 0.2)
        write(link, json.dumps(good))
        write(folder + "/links/new.json", json.dumps({**good, "name": "new"}))
        write(folder + "/networks/broken.json", '{"format": "kerf-network/1"}')
        os.remove(folder + "/networks/diamond.json")
        service.reload()
        check("a mended one counts again", latency(client) == before)
        check("a new one is there", latency(client, link="new") == before)
        error = client.ask("plan", **{**SCENE, "network": "diamond"})["error"]
        check("one that was removed is not", error["code"] == "unknown_network", error)
        error = client.ask("plan", **{**SCENE, "network": "broken"})["error"]
        check("nor one that was broken from the start", error["code"] == "unknown_network", error)
        board = folder + "/devices/board.json"
        text = read(board)
        write(board, text.replace("}", "]", 1))
        os.rename(folder + "/servers", folder + "/away")
        check("without a whole kind the old catalogue stays",
              service.reload("could not read the catalogue again"), service.log)
        check("and answers", latency(client) == before)
        os.rename(folder, folder + "-away")
        check("so it does where the folder has disappeared",
              service.reload("could not read the catalogue again"), service.log)
        check("it still answers", latency(client) == before)
        os.rename(folder + "-away", folder)
        os.rename(folder + "/away", folder + "/servers")
        write(board, text)
        check("and reads again when it is back", service.reload() and latency(client) == before)
        stats = client.ask("stats")["stats"]
        check("stats count that", stats["reloads"] >= 6 and stats["refused_files"] >= 3, stats["reloads"])
        check("it ends well", service.stop() == 0, service.log)


def test_under_load(folder):
    """While the link flips between two files, every answer is of one or of the other."""
    link = folder + "/links/plain.json"
    good = json.loads(read(link))
    texts = [json.dumps({**good, "rtt": rtt}) for rtt in ("10 ms", "90 ms")]
    with Service("--catalogue", folder) as service:
        with Client(service.endpoint) as client:
            possible = set()
            for text in texts:
                write(link, text)
                service.reload()
                possible.add(latency(client))
        seen, failed, done = set(), [], threading.Event()

        def ask():
            with Client(service.endpoint) as client:
                while not done.is_set():
                    try:
                        seen.add(latency(client))
                    except Exception as error:
                        failed.append(error)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for turn in range(20):
            write(link, texts[turn % 2])
            service.reload()
        done.set()
        for thread in threads:
            thread.join()
        check("every answer under reloads is of one catalogue", len(possible) == 2
              and not failed and seen <= possible and seen, (possible, seen, failed[:3]))
        check("and the service ends well", service.stop() == 0, service.log)


with tempfile.TemporaryDirectory() as work:
    shutil.copytree(tap.DATA, work + "/catalogue")
    test_reload(work + "/catalogue")
    test_under_load(work + "/catalogue")
CONTEXT.destroy(0)
tap.done()
