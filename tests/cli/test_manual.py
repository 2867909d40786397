"""The manual pages: well formed, and the same options as --help."""
import glob
import os
import re
import shutil
import subprocess

import tap
from tap import check, kerf

PAGES = sorted(os.path.basename(path)[:-2] for path in glob.glob("docs/man/*.1"))
COMMANDS = re.findall(r"^  ([a-z]+) ", kerf("--help")[1], re.M)

check("every command has a manual page", PAGES == sorted(["kerf"] + ["kerf-" + c for c in COMMANDS]), PAGES)
for page in PAGES:
    path = "docs/man/%s.1" % page
    if shutil.which("mandoc"):
        run = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path], capture_output=True, text=True)
        check("%s is well formed" % page, run.returncode == 0 and run.stdout == "", run.stdout)
    else:
        tap.skip("%s is well formed" % page, "mandoc is not installed")

for command in COMMANDS:
    text = kerf(command, "--help")[1]
    # Before the examples, a line of an option starts with it.
    helped = re.findall(r"^  (?:-\w, )?--([a-z-]+)(?: ([A-Z]\S*))?", text.split("Examples:")[0], re.M)
    with open("docs/man/kerf-%s.1" % command) as file:
        page = file.read()
    manual = []
    for line in re.findall(r"^\.It Fl (?:\w , )?-([a-z-]+)(.*)$", page, re.M):
        manual.append((line[0], line[1].replace(" Ar ", "").replace(" Ns = Ns", "=").replace(" ", "")))
    check("%s: the manual has the options of --help, in their order" % command,
          [tuple(o) for o in helped] == manual, "help   %s\nmanual %s" % (helped, manual))
    headings = re.findall(r"^([A-Z][a-z ]+):$", text.split("Examples:")[0], re.M)
    check("%s: under the same headings" % command, headings == re.findall(r"^\.Ss (.*)$", page, re.M),
          headings)
tap.done()
