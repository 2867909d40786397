"""Options: help, errors, exit statuses. Nothing here needs a network."""
import json
import os
import shutil
import subprocess
import tempfile

import tap
from tap import check, fails, kerf

COMMANDS = ("plan", "inspect", "list")
SCENE = ("--device", "board", "--server", "box", "--link", "plain")

status, out, err = kerf("--help")
check("kerf --help lists the commands", status == 0 and err == "" and
      all("\n  %s " % c in out for c in COMMANDS), out)
status, out, err = kerf()
check("kerf alone shows the usage on stderr", status == 2 and out == "" and "Usage: kerf" in err)
status, out, err = kerf("--version")
check("kerf --version", status == 0 and out == "kerf 0.1.0\n", out)
for command in COMMANDS:
    for flag in ("--help", "-h"):
        status, out, err = kerf(command, flag)
        check("kerf %s %s" % (command, flag), status == 0 and err == "" and
              out.startswith("Usage: kerf " + command) and "Examples:" in out, out + err)
    check("help of %s keeps within 100 columns" % command,
          max(len(line) for line in kerf(command, "--help")[1].splitlines()) <= 100)

fails("unknown command", 2, ["paln", "x"], "unknown command 'paln'", "did you mean 'plan'")
fails("unknown command, nothing near", 2, ["frobnicate"], "'kerf --help' lists the commands")
fails("unknown option of kerf", 2, ["--verbose"], "unknown option '--verbose'")
fails("no network", 2, ["plan"], "plan: NETWORK is missing")
fails("two networks", 2, ["plan", "a", "b"], "unexpected argument 'b'")
fails("no kind", 2, ["list"], "devices|servers|links|networks|scenarios is missing")
fails("unknown kind", 2, ["list", "things"], "'things': expected devices, servers, links, networks or scenarios")
with tempfile.TemporaryDirectory() as folder:
    # Alone, the binary finds nothing bundled.
    lonely = os.path.join(folder, "bin", "kerf")
    os.mkdir(os.path.dirname(lonely))
    shutil.copy(tap.KERF, lonely)

    def list_scenarios(*options, path=""):
        run = subprocess.run([lonely, "list", "scenarios", *options], env=dict(tap.ENV, KERF_PATH=path),
                             capture_output=True, text=True, check=False)
        return run.returncode, run.stdout, run.stderr

    check("no scenarios are no error", list_scenarios() == (0, "", "kerf: warning: no bundled scenarios were found\n"),
          list_scenarios())
    check("and an empty list", list_scenarios("--quiet", "--csv") == (0, "name,description,source,file\n", "")
          and json.loads(list_scenarios("--json")[1])["scenarios"] == [], list_scenarios("--json"))
    os.mkdir(os.path.join(folder, "scenarios"))
    with open(os.path.join(folder, "scenarios", "two-boards.json"), "w") as file:
        json.dump({"format": "kerf-scenario/1", "description": "two boards on one server", "boards": 2,
                   "source": "Made up. For this test."}, file)
    status, out, err = list_scenarios(path=folder)
    check("a scenario has its line", (status, out, err) == (0, "two-boards  two boards on one server  Made up.\n", ""),
          out + err)
    with open(os.path.join(folder, "scenarios", "bad.json"), "w") as file:
        json.dump({"format": "kerf-link/1"}, file)
    status, out, err = list_scenarios(path=folder)
    check("one that is none is reported, and hides no other", status == 1 and "bad.json" in err
          and out.startswith("two-boards "), out + err)
fails("variants are not asked for", 2, ["ask", "n", "--min-accuracy", "0.7"], "ask: --min-accuracy", "no variants")
fails("misspelt option", 2, ["plan", "n", "--devise", "x"], "unknown option '--devise'",
      "did you mean '--device'")
fails("unknown short option", 2, ["plan", "n", "-z"], "unknown option '-z'")
fails("option of another command", 2, ["inspect", "n", "--deadline", "1s"], "unknown option '--deadline'")
fails("ambiguous option", 2, ["plan", "n", "--de", "1s"], "'--de' could be several options")
fails("missing value", 2, ["plan", "n", "--deadline"], "--deadline lacks its TIME")
fails("value of a flag", 2, ["plan", "n", "--json=yes"], "--json takes no value")
fails("json and csv", 2, ["plan", "chain", "--json", "--csv"], "exclude each other")
fails("an encoding without a file that lists it", 2, ["plan", "chain", "--wire", "zip"], "--wire: 'zip'",
      "--variants")

BAD = {
    "--deadline": ("50", "0 s", "-1 s", "soon", "1 s x", "nan s", "inf s", "1 J", ""),
    "--energy-budget": ("0.2", "0 J", "20 W", "1e999 J"),
    "--device-memory": ("100", "0 B", "1 s"),
    "--max-bytes": ("100", "12 Mbit/s"),
    "--uplink": ("12", "0 bit/s", "12 MB", "-1 Mbit/s"),
    "--downlink": ("12", "0 bit/s"),
    "--rtt": ("20", "20 bit"),
    "--gap": ("5", "0 s"),
    "--loss": ("100 %", "100", "-1", "much", ""),
    "--time-limit": ("3", "0 s"),
    "--input-size": ("50", "0 kB"),
    "--min-accuracy": ("0", "-0.1", "1.5 s", "much"),
    "--server-load": ("heavy", "-0.1", "0.5 s"),
    "--connection": ("hot", ""),
    "--objective": ("speed", "weighted", "weighted:", "weighted:energy=", "weighted:energy=-1",
                    "weighted:energy=0,latency=0", "weighted:energy=1;latency=2",
                    "weighted:energy=nan", "weighted:power=1", "energy ", "weighted:energy=1,energy=2"),
    "--solver": ("simplex",),
    "--wire": ("int4",),
    "--result": ("cloud",),
    "--top": ("0", "-1", "1.5", "many", "99999999999999999999"),
    "--min-device-operators": ("0", "x"),
    "--batch": ("0", "-2", "2x"),
    "--pin": ("conv1", "conv1=gpu", "=device", "conv1="),
    "--dim": ("height", "height=", "height=0", "height=-3", "height=3.5", "=3"),
    "--input": ("x", "x=", "x=1x", "x=x3", "x=1x-3", "x=1,3", "=1x3", "x=" + "x".join(["1"] * 17)),
    "--plot": ("picture", "picture.jpg", "a.svg/b", ""),
    "--device": ("",),
}
for option, values in sorted(BAD.items()):
    for value in values:
        fails("%s %r" % (option, value[:20]), 2, ["plan", "chain", option, value], option)

fails("unknown device", 1, ["plan", "chain", "--device", "bored"], "device 'bored' is neither a file nor bundled",
      "did you mean 'board'", "bundled: board, ")
fails("unknown server", 1, ["plan", "chain", "--device", "board", "--server", "x"],
      "server 'x' is neither a file nor bundled", "bundled: box")
fails("unknown link", 1, ["plan", "chain", "--device", "board", "--server", "box", "--link", "x"],
      "link 'x' is neither a file nor bundled", "mobile, plain")
fails("unknown network", 1, ["inspect", "x"], "network 'x' is neither a file nor bundled", "chain, ")
fails("no file of that name", 1, ["inspect", "none.json"], "none.json: ")
fails("a weight without digits left", 2, ["plan", "chain", *SCENE, "--objective", "weighted:energy=1e-308"],
      "weight of energy: is 1e-308, expected 0 or 1e-09 to 1e+09")
fails("a weight beyond all others", 2, ["plan", "chain", *SCENE, "--objective", "weighted:energy=1,latency=1e10"],
      "weight of latency: is 1e+10, expected")
status, out, err = kerf("plan", "chain", *SCENE, "--top", "1000000000")
check("asking for more cuts than there are takes no memory for them", status == 0 and
      out == kerf("plan", "chain", *SCENE, "--top", "1000")[1], err)
fails("characters that turn writing", 1, ["inspect", "a\u202eb\u2028c\u009bd"], "'a b c d'")
fails("control characters in a name", 1, ["inspect", "a\x1b[31mb\nc"], "a [31mb c")
tap.done()
