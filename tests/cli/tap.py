"""Running kerf and printing TAP, for the tests of the command."""
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True

KERF = os.path.abspath(os.environ.get("KERF", "build/kerf"))
DATA = os.path.abspath("tests/data/cli")
GOLDEN = "tests/cli/golden"
ENV = dict(os.environ, KERF_PATH=DATA, LC_ALL="C")
# A sanitizer's report must not pass for an ordinary failure.
ENV["ASAN_OPTIONS"] = "exitcode=99:" + ENV.get("ASAN_OPTIONS", "")
ENV["UBSAN_OPTIONS"] = "exitcode=99:" + ENV.get("UBSAN_OPTIONS", "")
ENV.pop("NO_COLOR", None)

_count = 0
_failed = 0


def check(name, condition, detail=""):
    """One test."""
    global _count, _failed
    _count += 1
    print("%s %d - %s" % ("ok" if condition else "not ok", _count, name), flush=True)
    if not condition:
        _failed += 1
        for line in str(detail).splitlines():
            print("# " + line, flush=True)


def skip(name, why):
    global _count
    _count += 1
    print("ok %d - %s # SKIP %s" % (_count, name, why), flush=True)


def done():
    print("1..%d" % _count)
    sys.exit(1 if _failed else 0)


def kerf(*arguments, env=None, **options):
    """Runs kerf; returns status, stdout, stderr."""
    run = subprocess.run([KERF, *arguments], env=dict(ENV, **(env or {})), capture_output=True,
                         text=True, timeout=300, stdin=subprocess.DEVNULL, **options)
    return run.returncode, run.stdout, run.stderr


def plan(*arguments):
    """The JSON answer of a plan that must exist."""
    status, out, err = kerf("plan", *arguments, "--json")
    if status != 0:
        raise AssertionError("kerf plan %s: status %d: %s" % (arguments, status, err))
    return json.loads(out)


def fails(name, status, arguments, *texts, env=None):
    """Expects an exit status, one line on stderr that has all the texts, and nothing on stdout."""
    got, out, err = kerf(*arguments, env=env)
    fine = (got == status and out == "" and err.startswith("kerf: ") and err.count("\n") == 1
            and all(text in err for text in texts))
    check(name, fine, "status %d (expected %d), stdout %r, stderr %r, expected %r" %
          (got, status, out[:200], err, texts))


def golden(name, text):
    """Compares with tests/cli/golden/NAME; KERF_GOLDEN=write writes it instead."""
    path = os.path.join(GOLDEN, name)
    if os.environ.get("KERF_GOLDEN") == "write":
        with open(path, "w") as file:
            file.write(text)
    with open(path) as file:
        expected = file.read()
    check("as in golden/" + name, text == expected, "--- expected\n%s--- got\n%s" % (expected, text))


def close(a, b, relative=1e-9):
    return abs(a - b) <= relative * max(abs(a), abs(b), 1e-30)
