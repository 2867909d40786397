"""Where output goes: pipes, full disks, closed streams, terminals, pictures."""
import json
import os
import pty
import re
import shutil
import stat
import subprocess
import tempfile
import xml.dom.minidom

import tap
from tap import skip, KERF, ENV, check, kerf

PLAN = ["plan", "chain", "--device", "board", "--server", "box", "--link", "plain"]
COMMANDS = {"plan": PLAN, "plan --json": PLAN + ["--json"], "plan --csv": PLAN + ["--csv"],
            "inspect": ["inspect", "chain"], "inspect --json": ["inspect", "chain", "--json"],
            "list": ["list", "devices"], "help": ["plan", "--help"], "version": ["--version"]}

for name, arguments in COMMANDS.items():
    with open("/dev/full", "w") as full:
        run = subprocess.run([KERF, *arguments], env=ENV, stdout=full, stderr=subprocess.PIPE, text=True)
    check("%s to a full disk" % name, run.returncode == 1 and "standard output: No space left" in run.stderr
          and run.stderr.count("\n") == 1, run)
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run([KERF, *arguments], env=ENV, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    check("%s to a closed pipe" % name, run.returncode == 1 and run.stderr == "", run)
    run = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&-', KERF, *arguments], env=ENV, stderr=subprocess.PIPE, text=True)
    check("%s to a closed stdout" % name, run.returncode == 1 and "standard output: " in run.stderr, run)
run = subprocess.run(["sh", "-c", 'exec "$0" "$@" 2>&-', KERF, "plan", "nothing"], env=ENV, capture_output=True)
check("an error without a stderr keeps its status", run.returncode == 1 and run.stdout == b"", run)


def on_terminal(arguments, env=None):
    """What kerf prints on a terminal."""
    master, slave = pty.openpty()
    run = subprocess.Popen([KERF, *arguments], env={**ENV, "TERM": "xterm", **(env or {})}, stdout=slave, stderr=slave,
                           stdin=subprocess.DEVNULL)
    os.close(slave)
    text = b""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:
            break
        if not more:
            break
        text += more
    os.close(master)
    run.wait()
    return text.decode().replace("\r\n", "\n")


def has_terminals():
    try:
        for end in pty.openpty():
            os.close(end)
    except OSError:  # such as in a chroot without devpts
        return False
    return True


if has_terminals():
    text = on_terminal(PLAN)
    check("bold on a terminal", "\033[1m" in text and "\033[0m" in text, repr(text))
    check("but for that, as in a pipe", re.sub(r"\033\[[01]m", "", text) == kerf(*PLAN)[1], repr(text))
    check("NO_COLOR", "\033" not in on_terminal(PLAN, {"NO_COLOR": "1"}))
    check("an empty NO_COLOR is none", "\033[1m" in on_terminal(PLAN, {"NO_COLOR": ""}))
    check("TERM=dumb", "\033" not in on_terminal(PLAN, {"TERM": "dumb"}))
    check("no colour in JSON", "\033" not in on_terminal(PLAN + ["--json"]))
else:
    skip("what a terminal shows", "no terminal can be had here")
check("no colour in a pipe", "\033" not in kerf(*PLAN)[1])

# --- pictures --------------------------------------------------------------------------------------
folder = tempfile.mkdtemp()
inside = lambda name: os.path.join(folder, name)

if shutil.which("gnuplot"):
    for objective in ("energy", "latency", "throughput", "edp", "total-energy", "weighted:energy=1,latency=1"):
        path = inside("picture.svg")
        status, out, err = kerf(*PLAN, "--objective", objective, "--plot", path)
        document = xml.dom.minidom.parse(path) if status == 0 else None
        title = document.getElementsByTagName("title")[0].firstChild.data if document else ""
        words = "".join(re.findall(r">([^<]*)<", document.toxml())) if document else ""
        check("svg: %s" % objective, status == 0 and err == "" and title == "chain: board to box over plain" and
              "plan:" in words and "operators on the device" in words, (status, err, title, words))
        check("svg: %s has a description" % objective, document and "operators on the device" in
              document.getElementsByTagName("desc")[0].firstChild.data)
    check("the answer is printed as well", out.startswith("Run ") or out.startswith("Send "), out)
    status, out, err = kerf(*PLAN, "--plot", inside("picture.png"))
    with open(inside("picture.png"), "rb") as file:
        check("png", status == 0 and file.read(8) == b"\x89PNG\r\n\x1a\n", err)
    mask = os.umask(0)
    os.umask(mask)
    check("ordinary permissions", stat.S_IMODE(os.stat(inside("picture.png")).st_mode) == 0o666 & ~mask)
    odd = inside("it's \"odd\"; $(touch x) `y` %s.svg")
    status, out, err = kerf(*PLAN, "--plot", odd)
    check("an odd file name", status == 0 and os.path.exists(odd), err)
    strange = inside("net.json")
    with open(os.path.join(tap.DATA, "networks/chain.json")) as file:
        content = file.read()
    with open(strange, "w") as file:
        file.write(content.replace('"chain"', '"a_b^{c} \\"; system(\\"touch %s\\"); # <&> %%d @x"' % inside("gotcha"))
                   .replace('"pool1"', '"p\'q`r$s{t}"'))
    status, out, err = kerf("plan", strange, *PLAN[2:], "--plot", inside("strange.svg"))
    title = xml.dom.minidom.parse(inside("strange.svg")).getElementsByTagName("title")[0].firstChild.data \
        if status == 0 else ""
    check("names are text, never commands", status == 0 and not os.path.exists(inside("gotcha")) and
          title.startswith('a_b^{c} "; system('), (err, title))
    cut = inside("cut.json")
    with open(cut, "w") as file:
        file.write(content.replace('"chain"', '"%s\\ufffe"' % ("\\u00e9" * 60)).replace('"pool1"', '"x%s"' % ("\\u00e9" * 60)))
    status, out, err = kerf("plan", cut, *PLAN[2:], "--plot", inside("cut.svg"))
    check("names cut in the middle of a character, and what XML cannot hold", status == 0 and
          xml.dom.minidom.parse(inside("cut.svg")), err)
    with open(inside("kept.svg"), "w") as file:
        file.write("before")
    os.mkdir(inside("bin"))
    with open(inside("bin/gnuplot"), "w") as file:
        file.write("#!/bin/sh\necho 'half a picture'\necho '\"-\" line 3: no such thing' >&2\nexit 1\n")
    os.chmod(inside("bin/gnuplot"), 0o755)
    status, out, err = kerf(*PLAN, "--plot", inside("kept.svg"), env={"PATH": inside("bin") + ":" + ENV["PATH"]})
    with open(inside("kept.svg")) as file:
        check("a failing gnuplot leaves the old picture", status == 1 and file.read() == "before" and
              "gnuplot failed: " in err and "no such thing" in err, err)
    path = inside("none/picture.svg")
    status, out, err = kerf(*PLAN, "--plot", path)
    check("a folder that is not there", status == 1 and err.startswith("kerf: " + path) and
          "No such file" in err and err.count("\n") == 1, err)
    os.mkdir(inside("folder.svg"))
    status, out, err = kerf(*PLAN, "--plot", inside("folder.svg"))
    check("a folder in the picture's place", status == 1 and "folder.svg" in err, err)
    left = [f for f in os.listdir(folder) if re.search(r"\.(svg|png)\.", f)]
    check("no temporary files are left", left == [], left)
else:
    tap.skip("pictures", "gnuplot is not installed")
status, out, err = kerf(*PLAN, "--plot", inside("without.svg"), env={"PATH": "/nonexistent"})
check("without gnuplot: a clear message", status == 1 and "gnuplot" in err and "gnuplot-nox" in err and
      err.count("\n") == 1 and not os.path.exists(inside("without.svg")), err)
check("without gnuplot: the answer is printed all the same", out == kerf(*PLAN)[1])
with open(inside("one.json"), "w") as file:
    json.dump({"format": "kerf-network/1", "name": "one", "outputs": ["y"],
               "inputs": [{"name": "x", "shape": [1, 8], "type": "float32"}],
               "operators": [{"name": "r", "type": "Relu", "inputs": ["x"], "outputs": ["y"]}]}, file)
check("one operator is not several", kerf("plan", inside("one.json"))[1].startswith("Run the one operator of one ")
      and "one: 1 operator in 1 fused group," in kerf("inspect", inside("one.json"))[1])
shutil.rmtree(folder)
tap.done()
