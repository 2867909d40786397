"""kerf simulate --report: the page itself, and what a browser (headless Chromium) makes of it."""
import html.parser
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree
import zlib

sys.path.insert(0, "tests/cli")
from tap import check, done, fails, kerf, skip  # noqa: E402

BUNDLED = {"KERF_PATH": ""}
HOSTILE = "<script>alert(1)</script> & \"quotes\" 'too' </title></style><img src=x>"
SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Balance(html.parser.HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.tags, self.attributes = [], [], set(), set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def report(folder, name, *arguments):
    path = os.path.join(folder, "report.html")
    status, out, err = kerf("simulate", name, "--report", path, "--json", *arguments, env=BUNDLED)
    check(os.path.basename(name) + ": a report", status == 0 and err == "", err)
    with open(path, encoding="utf-8") as file:
        return file.read(), json.loads(out)


def check_page(what, page, document):
    balance = Balance()
    balance.feed(page)
    balance.close()
    check(what + ": elements are closed", not balance.wrong and not balance.open, (balance.wrong, balance.open))
    check(what + ": no scripts, nothing from elsewhere",
          not balance.tags & {"script", "img", "link", "iframe", "object", "embed", "use", "image"} and
          not balance.attributes & {"src", "href", "srcset", "onload", "onerror"} and
          not re.search(r"url\(|@import|https?:", page), balance.tags)
    charts = [xml.etree.ElementTree.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
              for text in re.findall(r'<svg class="chart".*?</svg>', page, re.S)]
    policy = document["policies"][0]
    wanted = 5 * len(policy["groups"]) + 2 * len(policy["servers"]) + len(policy["links"]) + len(policy["access_points"])
    check(what + ": all charts are there", len(charts) == wanted, (len(charts), wanted))
    check(what + ": each says what it shows",
          all(c.get("role") == "img" and c.find(SVG + "title").text and c.find(SVG + "desc").text and
              c.get("aria-labelledby").split() == [c.find(SVG + "title").get("id"), c.find(SVG + "desc").get("id")]
              for c in charts))
    ids = re.findall(r'\bid="([^"]+)"', page)
    check(what + ": ids are unique", len(ids) == len(set(ids)))
    check(what + ": no number went wrong", not re.search(r'(="|[MLHV]|\d )-?(nan|inf)\b', page))


# A window cannot be as narrow as a phone, but a frame can.
FRAME = """<!DOCTYPE html><link rel="icon" href="data:,"><body style="margin:0">
<iframe src="report.html" style="border:0;width:%dpx;height:2000px"></iframe>"""
PROBE = FRAME + """<pre></pre><script>
onload = () => {
  const frame = document.querySelector("iframe"), page = frame.contentDocument;
  const charts = [...page.querySelectorAll("svg.chart")].map(svg => {
    const box = svg.getBoundingClientRect();
    const inside = e => {
      const b = e.getBBox();
      return b.x >= -1 && b.y >= -1 && b.x + b.width <= 401 && b.y + b.height <= svg.viewBox.baseVal.height + 1;
    };
    const drawn = [...svg.querySelectorAll("path.line,rect.part,.mark")];
    return {title: svg.querySelector("title").textContent, width: box.width, height: box.height,
            left: box.left, right: box.right,
            shapes: drawn.filter(e => { const b = e.getBoundingClientRect(); return b.width + b.height > 0; }).length,
            outside: [...svg.querySelectorAll("path,rect,circle,text")].filter(e => !inside(e)).map(e => e.outerHTML)};
  });
  const tables = [...page.querySelectorAll("div.scroll")].map(d => d.getBoundingClientRect().right);
  const font = Math.min(...[...page.querySelectorAll("svg.chart")].map(
    s => 11 * s.getBoundingClientRect().width / 400));
  document.querySelector("pre").textContent = "PROBE" + JSON.stringify({charts, tables, font,
    wide: page.documentElement.scrollWidth, seen: page.documentElement.clientWidth,
    requests: frame.contentWindow.performance.getEntriesByType("resource").map(e => e.name)}) + "END";
  frame.remove();
};
</script>"""


class Server(http.server.ThreadingHTTPServer):
    """Serves the report and the probes, and remembers what was asked for."""

    def __init__(self, page):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.page = [], page
        self.at = "http://127.0.0.1:%d/" % self.server_address[1]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        what, _, width = self.path.partition("-")
        text = {"/report.html": self.server.page, "/probe": PROBE.replace("%d", width),
                "/frame": FRAME.replace("%d", width)}.get(what)
        self.send_response(200 if text else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write((text or "").encode())

    def log_message(self, *arguments):
        pass


def browse(browser, folder, *arguments):
    return subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
         "--disable-background-networking", "--disable-dev-shm-usage", "--force-color-profile=srgb",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
         "--user-data-dir=" + os.path.join(folder, "profile"), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120).stdout.decode(errors="replace")


def colours(path):
    """How many of each colour a PNG of 8 bits a channel has, at every fourth pixel of every eighth row."""
    with open(path, "rb") as file:
        data = file.read()
    at, packed = 8, b""
    while at < len(data):
        size, kind = int.from_bytes(data[at:at + 4], "big"), data[at + 4:at + 8]
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, channels = (int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big"),
                                       {2: 3, 6: 4}[body[9]])
        elif kind == b"IDAT":
            packed += body
        at += 12 + size
    raw, row, before, seen = zlib.decompress(packed), width * channels, bytearray(width * channels), {}
    for y in range(height):
        kind, line = raw[y * (row + 1)], bytearray(raw[y * (row + 1) + 1:(y + 1) * (row + 1)])
        for i in range(row if kind else 0):
            left = line[i - channels] if i >= channels else 0
            up, corner = before[i], before[i - channels] if i >= channels else 0
            if kind == 1:
                line[i] = (line[i] + left) & 255
            elif kind == 2:
                line[i] = (line[i] + up) & 255
            elif kind == 3:
                line[i] = (line[i] + (left + up) // 2) & 255
            else:
                p = left + up - corner
                best = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
                line[i] = (line[i] + best) & 255
        before = line
        for i in range(0, row if y % 8 == 0 else 0, 4 * channels):
            colour = bytes(line[i:i + 3])
            seen[colour] = seen.get(colour, 0) + 1
    return width, height, seen


def check_browser(browser, page):
    server = Server(page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        for width in (390, 1280):
            out = browse(browser, folder, "--window-size=1400,2000", "--dump-dom", server.at + "probe-%d" % width)
            found = re.search(r"PROBE(\{.*\})END", out, re.S)
            if not check_found(width, found, out):
                continue
            seen = json.loads(html.unescape(found.group(1)))
            what = "at %d pixels: " % width
            check(what + "nothing is wider than the page", seen["wide"] <= seen["seen"] and seen["seen"] == width and
                  max(seen["tables"]) <= width, (seen["wide"], seen["seen"], max(seen["tables"])))
            bad = [c for c in seen["charts"] if c["width"] < 250 or c["height"] < 80 or c["left"] < 0 or
                   c["right"] > width or c["shapes"] == 0]
            check(what + "every chart is drawn", len(seen["charts"]) == page.count('class="chart"') and not bad, bad)
            off = [c["outside"] for c in seen["charts"] if c["outside"]]
            check(what + "and nothing of it outside", not off, off[:3])
            check(what + "its text can be read", seen["font"] >= 9, seen["font"])
            check(what + "nothing is asked of the network", not seen["requests"], seen["requests"])
        for name, size, path in (("desktop", "1280,800", "report.html"), ("phone", "500,800", "frame-390")):
            picture = os.path.join(folder, name + ".png")
            browse(browser, folder, "--window-size=" + size, "--screenshot=" + picture, server.at + path)
            if not os.path.exists(picture):
                check(name + ": a screenshot", False)
                continue
            width, height, seen = colours(picture)
            most = max(seen.values()) / sum(seen.values())
            check(name + ": a screenshot, not blank", width == int(size.split(",")[0]) and len(seen) > 20 and most < 0.99,
                  (width, height, len(seen), most))
    own = {"/report.html", "/probe-390", "/probe-1280", "/frame-390", "/favicon.ico"}
    strange = [p for p in server.asked if p not in own]
    check("the server was asked for nothing else", not strange, strange)
    server.shutdown()
    server.server_close()


def check_found(width, found, out):
    check("at %d pixels: a browser opens it" % width, found is not None, out[-500:])
    return found is not None


with tempfile.TemporaryDirectory() as folder:
    short = ["--duration", "40 s", "--replications", "2"]
    page, document = report(folder, "shop-access-point", *short)
    check_page("shop-access-point", page, document)
    again = report(folder, "shop-access-point", *short, "--threads", "1")[0]
    check("the same bytes on any number of threads", page == again)
    with open("configs/scenarios/mixed-fleet.json") as file:
        scenario = json.load(file)
    scenario.update(name=HOSTILE, description=HOSTILE)
    scenario["groups"][0]["name"] = HOSTILE
    path = os.path.join(folder, "hostile.json")
    with open(path, "w") as file:
        json.dump(scenario, file)
    page, document = report(folder, path, "--policy", "static", "--policy", "adaptive", "--policy", "hindsight", *short)
    check_page("hostile", page, document)
    check("what the scenario says is no markup", "&lt;script&gt;alert(1)" in page and HOSTILE not in page)
    words = re.sub(r"<[^>]+>", "", page)
    check("the scenario is there in words", "10 boards (jetson-xavier-nx) run resnet50" in words and
          "within 150 ms" in words and "3 workers" in words, words[:2000])
    fails("a folder that is not there", 1,
          ["simulate", "one-board-wifi", "--report", os.path.join(folder, "no", "page.html")], "no/page.html",
          env=BUNDLED)
    fails("one file for two things", 2, ["simulate", "one-board-wifi", "--report", "x", "--series", "x"], "same file",
          env=BUNDLED)

browser = next((b for b in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if b), None)
if browser:
    check_browser(browser, page)
else:
    skip("the page in a browser", "chromium is not installed")
done()
