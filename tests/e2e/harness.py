"""What the end-to-end tests share: node and its packages, processes, and running networks."""
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.abspath("tests/cli"))

import tap  # noqa: E402  (after the path)

HERE = os.path.abspath("tests/e2e")
EXAMPLE = os.path.abspath("docs/examples/split-inference")
MODULES = os.path.abspath("build/e2e")
TYPES = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "int64": "<i8", "int32": "<i4",
         "uint8": "|u1", "int8": "|i1", "bool": "|b1"}


class Missing(Exception):
    """Something outside the project that a test needs is not there."""


def skip_all(name, why):
    tap.skip(name, why)
    tap.done()


def need_numpy_and_onnx():
    try:
        import numpy  # noqa: F401
        import onnx  # noqa: F401
    except ImportError as error:
        raise Missing("python3-onnx is not installed (%s)" % error) from error


def install_packages():
    """Installs the example's packages under build/e2e, once per lock file."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise Missing("node or npm is not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < 18:
        raise Missing("node %s is older than 18" % version.strip())
    os.makedirs(MODULES, exist_ok=True)
    with open(os.path.join(MODULES, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(os.path.join(EXAMPLE, "package-lock.json"), "rb") as file:
            wanted = hashlib.sha256(file.read() + version.encode()).hexdigest()
        stamp = os.path.join(MODULES, "installed")
        if os.path.exists(stamp) and open(stamp).read() == wanted:
            return
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(os.path.join(EXAMPLE, name), MODULES)
        try:
            run = subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--prefix", MODULES,
                                  "--fetch-retries", "1"],
                                 cwd=MODULES, capture_output=True, text=True, timeout=300,
                                 env=dict(os.environ, ONNXRUNTIME_NODE_INSTALL="skip"))
        except subprocess.TimeoutExpired:
            raise Missing("npm ci did not end within 5 minutes") from None
        if run.returncode != 0:
            errors = [line for line in run.stderr.splitlines() if "npm error" in line.lower()
                      or "npm err!" in line.lower()] or ["no message"]
            raise Missing("npm ci failed: " + errors[0])
        with open(stamp, "w") as file:
            file.write(wanted)


def prepare(name):
    """Skips the whole test, named so, where something is missing; returns a scratch folder."""
    try:
        need_numpy_and_onnx()
        install_packages()
    except Missing as missing:
        skip_all(name, str(missing))
    return tempfile.TemporaryDirectory(prefix="kerf-e2e-")


def node_environment():
    return dict(os.environ, NODE_PATH=os.path.join(MODULES, "node_modules"), LC_ALL="C")


def node(script, *arguments, timeout=120):
    """Runs a script to its end; returns status, stdout, stderr."""
    run = subprocess.run(["node", script, *arguments], env=node_environment(), capture_output=True,
                         text=True, timeout=timeout, stdin=subprocess.DEVNULL)
    return run.returncode, run.stdout, run.stderr


class Process:
    """A process that says on its first line that it is ready; ended at the end of a with block."""

    def __init__(self, *command):
        self.child = subprocess.Popen(command, env=node_environment(), stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.first_line = self.child.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Returns the exit status and what it wrote to stderr."""
        if self.child.poll() is None:
            self.child.terminate()
        try:
            _, err = self.child.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            _, err = self.child.communicate()
            return "killed", err
        return self.child.returncode, err


class Runner:
    """ONNX Runtime, in one node process: runner.run(model, {name: array}) gives {name: array}."""

    def __init__(self, folder):
        self.folder = folder
        self.child = subprocess.Popen(["node", os.path.join(HERE, "run.js")], env=node_environment(),
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(timeout=20)

    def run(self, model, inputs):
        request = {"model": model, "save": self.folder,
                   "inputs": [save_array(self.folder, "in%d" % i, name, array)
                              for i, (name, array) in enumerate(inputs.items())]}
        self.child.stdin.write(json.dumps(request) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError("%s: node has ended" % model)
        answer = json.loads(line)
        if not answer["ok"]:
            raise RuntimeError("%s: %s" % (model, answer["error"]))
        return {o["name"]: load_array(o) for o in answer["outputs"]}


def save_array(folder, file, name, array):
    import numpy
    path = os.path.join(folder, file + ".bin")
    type_name = next(t for t, code in TYPES.items() if numpy.dtype(code) == array.dtype)
    array.astype(TYPES[type_name]).tofile(path)
    return {"name": name, "type": type_name, "shape": list(array.shape), "file": path}


def load_array(entry):
    import numpy
    values = numpy.fromfile(entry["file"], TYPES[entry["type"]])
    return values.reshape(entry["shape"])


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
