"""The README's example is what kerf prints. When a profile has changed,
KERF_GOLDEN=write /usr/bin/python3 tests/cli/test_readme.py brings it and its picture up to date."""
import os
import re

import tap
from tap import check, kerf

# Plans that are shown whole, with a picture each.
EXAMPLE = re.compile(r"```\n\$ build/kerf (plan [^\n]*)\n(?!\.\.\.\n)(.*?)```", re.S)

with open("README.md") as file:
    text = file.read()


def rewrite(match):
    arguments = match.group(1).split()
    picture = "docs/images/alexnet-%s.svg" % ("front" if "--pareto" in arguments else "wifi")
    kerf(*arguments, "--plot", picture, env={"KERF_PATH": ""})
    return "```\n$ build/kerf %s\n%s```" % (match.group(1), kerf(*arguments, env={"KERF_PATH": ""})[1])


if os.environ.get("KERF_GOLDEN") == "write":
    text = EXAMPLE.sub(rewrite, text)
    with open("README.md", "w") as file:
        file.write(text)
examples = EXAMPLE.findall(text)
check("there are examples", len(examples) >= 2)
for arguments, expected in examples:
    status, out, err = kerf(*arguments.split(), env={"KERF_PATH": ""})
    check("the output of kerf %s" % arguments, status == 0 and out == expected, out)
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
