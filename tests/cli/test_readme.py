"""The README's example is what kerf prints. When a profile has changed,
KERF_GOLDEN=write /usr/bin/python3 tests/cli/test_readme.py brings it and its picture up to date."""
import os
import re

import tap
from tap import check, kerf

with open("README.md") as file:
    text = file.read()
block = re.search(r"```\n\$ build/kerf ([^\n]*)\n(.*?)```", text, re.S)
status, out, err = kerf(*block.group(1).split(), env={"KERF_PATH": ""})
if os.environ.get("KERF_GOLDEN") == "write":
    text = text[:block.start(2)] + out + text[block.end(2):]
    with open("README.md", "w") as file:
        file.write(text)
    block = re.search(r"```\n\$ build/kerf ([^\n]*)\n(.*?)```", text, re.S)
    kerf(*block.group(1).split(), "--plot", "docs/images/alexnet-wifi.svg", env={"KERF_PATH": ""})
check("the example's output", status == 0 and out == block.group(2), out)
# Others show the end of what is printed.
for words, end in re.findall(r"```\n\$ build/kerf ([^\n]*)\n\.\.\.\n(.*?)```", text, re.S):
    status, out, err = kerf(*words.split(), env={"KERF_PATH": ""})
    if os.environ.get("KERF_GOLDEN") == "write":
        first = end.split(maxsplit=1)[0]
        text = text.replace(end, out[out.index("\n" + first) + 1:])
        with open("README.md", "w") as file:
            file.write(text)
        continue
    check("the end of kerf " + words, status == 0 and end and out.endswith(end), out + err)
# Decision maps are shown whole, and their picture with them.
for words, shown in re.findall(r"```\n\$ build/kerf (map [^\n]*)\n(.*?)```", text, re.S):
    status, out, err = kerf(*words.split(), env={"KERF_PATH": ""})
    if os.environ.get("KERF_GOLDEN") == "write":
        text = text.replace(shown, out)
        with open("README.md", "w") as file:
            file.write(text)
        kerf(*words.split(), "--plot", "docs/images/alexnet-map.svg", env={"KERF_PATH": ""})
        continue
    check("kerf " + words, status == 0 and shown == out, out + err)
for link in re.findall(r"\]\(([^)#]+)\)", text):
    check("there is a " + link, os.path.exists(link))
tap.done()
