"""kerf measure on sysfs trees as the boards have them, with sensors that fail in every way."""
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import tap
from tap import KERF, check, fails, kerf

ROOT = tempfile.mkdtemp(prefix="kerf-measure-")
REPLACE = 'f() { printf "%s\\n" "$2" > "$1.new" && mv "$1.new" "$1"; }; '


def write(path, text):
    """Whole or not at all: a reader is at work."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


def tree(name, model, monitors):
    """A sysfs root: monitors are (driver's layout, folder, {channel: (label, mW, mV, mA)})."""
    root = os.path.join(ROOT, name)
    if model:
        write(root + "/firmware/devicetree/base/model", model + "\0")
    for layout, folder, channels in monitors:
        for channel, (label, power, voltage, current) in channels.items():
            base = "%s/%s/" % (root, folder)
            if layout == "ina3221x":
                write(base + "rail_name_%d" % channel, label + "\n")
                write(base + "in_power%d_input" % channel, "%d\n" % power)
                write(base + "in_voltage%d_input" % channel, "%d\n" % voltage)
                write(base + "in_current%d_input" % channel, "%d\n" % current)
            else:
                write(base + "name", "ina3221\n")
                write(base + "in%d_label" % channel, label + "\n")
                write(base + "in%d_input" % channel, "%d\n" % voltage)
                write(base + "curr%d_input" % channel, "%d\n" % current)
    return root


TX2_IN = "bus/i2c/drivers/ina3221x/0-0041/iio:device1"
TX2 = tree("tx2", "quill", [
    ("ina3221x", "bus/i2c/drivers/ina3221x/0-0040/iio:device0",
     {0: ("VDD_SYS_GPU", 1000, 19000, 53), 1: ("VDD_SYS_SOC", 700, 19000, 37), 2: ("NC", 0, 0, 0)}),
    ("ina3221x", TX2_IN, {0: ("VDD_IN", 5000, 19000, 263), 1: ("VDD_SYS_CPU", 900, 19000, 47)})])
AGX = tree("agx", "NVIDIA Jetson AGX Xavier", [
    ("ina3221x", "bus/i2c/drivers/ina3221x/1-0040/iio:device0",
     {0: ("GPU", 3000, 0, 0), 1: ("CPU", 1000, 0, 0), 2: ("SOC", 2000, 0, 0)}),
    ("ina3221x", "bus/i2c/drivers/ina3221x/1-0041/iio:device1",
     {0: ("CV", 0, 0, 0), 1: ("VDDRQ", 500, 0, 0), 2: ("SYS5V", 1500, 0, 0)})])
ORIN = tree("orin", "NVIDIA Jetson Orin Nano Developer Kit", [
    ("hwmon", "bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1",
     {1: ("VDD_IN", 0, 5000, 1200), 2: ("VDD_CPU_GPU_CV", 0, 5000, 200), 3: ("VDD_SOC", 0, 5000, 300)})])
CLASS = tree("class", "NVIDIA Jetson AGX Orin", [
    ("hwmon", "class/hwmon/hwmon3",
     {1: ("VDD_GPU_SOC", 0, 10000, 300), 2: ("VDD_CPU_CV", 0, 10000, 100), 3: ("VIN_SYS_5V0", 0, 5000, 800)}),
    ("hwmon", "class/hwmon/hwmon4", {2: ("VDDQ_VDD2_1V8AO", 0, 5000, 80)})])
ODD = tree("odd", "Some Board", [
    ("hwmon", "class/hwmon/hwmon0", {1: ("A", 0, 5000, 100), 2: ("B", 0, 5000, 200)})])


def measured(*arguments, **options):
    status, out, err = kerf("measure", "--json", *arguments, **options)
    if status != 0:
        raise AssertionError("status %d: %s" % (status, err))
    return json.loads(out)


def near(value, expected, relative):
    return abs(value - expected) <= relative * abs(expected)


# --- the rails of each board ---

for name, root, total_W, rails in (
        ("TX2", TX2, 5.0, {"VDD_SYS_GPU": False, "VDD_SYS_SOC": False, "VDD_IN": True, "VDD_SYS_CPU": False}),
        ("AGX Xavier", AGX, 8.0, dict.fromkeys(("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"), True)),
        ("Orin Nano", ORIN, 6.0, {"VDD_IN": True, "VDD_CPU_GPU_CV": False, "VDD_SOC": False}),
        ("AGX Orin, class/hwmon", CLASS, 8.0,
         {"VDD_GPU_SOC": True, "VDD_CPU_CV": True, "VIN_SYS_5V0": True, "VDDQ_VDD2_1V8AO": False})):
    found = json.loads(kerf("measure", "--sysfs", root, "--list", "--json")[1])
    check("%s: its rails, and which are the whole" % name,
          {r["name"]: r["in_total"] for r in found["rails"]} == rails, found)
    m = measured("--sysfs", root, "--", "sleep", "0.05")
    check("%s: its power" % name, near(m["total"]["average_W"]["mean"], total_W, 1e-9), m["total"])
status, out, err = kerf("measure", "--sysfs", ODD, "--list")
check("rails of an unknown board are listed", status == 0 and "choose rails with --rail" in out, out + err)
fails("the whole of an unknown board is not guessed", 1, ["measure", "--sysfs", ODD, "--", "true"],
      "Some Board", "not known what adds up", "A, B")
m = measured("--sysfs", ODD, "--rail", "B", "--", "sleep", "0.05")
check("but can be chosen", near(m["total"]["average_W"]["mean"], 1.0, 1e-9), m)
fails("a rail that is not there", 1, ["measure", "--sysfs", ODD, "--rail", "C", "--", "true"], "C",
      "expected some of: A, B")
fails("a rail named twice", 1, ["measure", "--sysfs", ODD, "--rail", "A", "--rail", "A", "--", "true"],
      "named twice")
fails("no sensor is loud", 1, ["measure", "--sysfs", ROOT + "/none", "--", "true"], "no power monitor",
      "bus/i2c/drivers/ina3221x", "class/hwmon")

# --- energy ---

m = measured("--sysfs", TX2, "-n", "3", "--idle", "50ms", "--inferences", "4", "--", "sleep", "0.1")
run = m["runs"][0]
check("runs are repeated", len(m["runs"]) == 3 and m["repeats"] == 3, m)
check("energy is power times duration, the ends included", near(run["energy_J"], 5 * run["duration_s"], 1e-9), run)
check("a run takes what the command takes", 0.1 <= run["duration_s"] < 5, run)
check("an inference takes its share",
      near(m["total"]["energy_per_inference_J"]["mean"], m["total"]["energy_J"]["mean"] / 4, 1e-12))
check("nothing is left above an idle board that draws the same",
      abs(m["total"]["above_idle_J"]["mean"]) < 1e-9, m["total"])
check("the interval is Student's",
      near(m["total"]["duration_s"]["confidence_95"],
           4.30265272975 * m["total"]["duration_s"]["deviation"] / 3 ** 0.5, 1e-9))
check("the period is what was asked for, or more", run["period_s"] >= 0.005 and run["samples"] >= 2, run)
rails = {r["name"]: r for r in m["rails"]}
check("every rail is told", near(rails["VDD_SYS_CPU"]["average_W"]["mean"], 0.9, 1e-9), rails)

# Twice the power for the second half: the command itself changes what the sensor reads.
power = "%s/%s/in_power0_input" % (TX2, TX2_IN)
m = measured("--sysfs", TX2, "--period", "2ms", "--", "sh", "-c",
             REPLACE + "sleep 0.2; f '%s' 10000; sleep 0.2" % power)
write(power, "5000\n")
run = m["runs"][0]
low, high = 5 * run["duration_s"], 10 * run["duration_s"]
check("a change of power is seen", low * 1.1 < run["energy_J"] < high * 0.98 and
      run["least_W"] == 5 and run["most_W"] == 10, run)
check("sampling's error is told", run["sampling_error_J"] > 0, run)

rows = list(csv.DictReader(io.StringIO(kerf("measure", "--sysfs", TX2, "-n", "2", "--csv", "--", "sleep", "0.05")[1])))
check("CSV has a row for each run", [r["run"] for r in rows] == ["1", "2"] and
      near(float(rows[0]["energy_J"]), float(rows[0]["VDD_IN_J"]), 1e-9), rows)
status, out, err = kerf("measure", "--sysfs", TX2, "-n", "2", "--", "sh", "-c", "echo hello; sleep 0.05")
check("a table for people", status == 0 and "quill" in out and "VDD_IN" in out and "95 % confidence" in out, out)
check("the command's output does not mix with it", "hello" not in out and err.count("hello") == 2, err)

# --- sensors that fail ---

for name, text, expected in (("text", "n/a\n", "reads 'n/a', expected an integer"),
                             ("nothing", "\n", "reads '', expected an integer"),
                             ("a wrapped counter", "4294967295\n", "has wrapped, or it is broken"),
                             ("far below zero", "-50000\n", "-50 W"),
                             ("a huge number", "9" * 30 + "\n", "expected an integer")):
    write(power, text)
    fails("a sensor reads " + name, 1, ["measure", "--sysfs", TX2, "--", "sleep", "0.05"], expected)
write(power, "0\n")
fails("never a zero", 1, ["measure", "--sysfs", TX2, "--", "sleep", "0.05"], "reads 0 W all the time")
write(power, "5000\n")
status, out, err = kerf("measure", "--sysfs", TX2, "--period", "1ms", "--", "sleep", "0.3")
check("a sensor that never moves is told about", status == 0 and "may be stuck" in err, err)
status, out, err = kerf("measure", "--sysfs", TX2, "--period", "1ms", "-n", "20", "--", "sleep", "0.02")
check("also over many short runs, once", status == 0 and err.count("may be stuck") == 1, err)
start = time.monotonic()
fails("a sensor vanishes in mid-run", 1,
      ["measure", "--sysfs", TX2, "--", "sh", "-c", "rm '%s'; exec sleep 300" % power], "in_power0_input", "cannot open")
check("and the command was ended", time.monotonic() - start < 300)
write(power, "5000\n")
shutil.move(power, power + ".away")
m = measured("--sysfs", TX2, "--", "sleep", "0.05")
check("a monitor without a power file is read by voltage and current",
      near(m["total"]["average_W"]["mean"], 19.0 * 0.263, 1e-9), m["total"])
shutil.move(power + ".away", power)

# --- commands that fail, and usage ---

fails("a command that is not there", 1, ["measure", "--sysfs", TX2, "--", "no-such-command"],
      "no-such-command", "cannot run")
fails("a command that fails", 1, ["measure", "--sysfs", TX2, "--", "sh", "-c", "exit 7"], "status 7")
fails("a command that is killed", 1, ["measure", "--sysfs", TX2, "--", "sh", "-c", "kill -9 $$"], "signal 9")
fails("too short a command", 1, ["measure", "--sysfs", TX2, "--period", "10s", "--", "true"],
      "too short for two samples")
fails("no command", 2, ["measure"], "the command is missing")
fails("two things at once", 2, ["measure", "--list", "--", "true"], "expected one of")
fails("an interval without a log", 2, ["measure", "--interval", "1s", "--", "true"], "--tegrastats")
fails("idle time of a log", 2, ["measure", "--tegrastats", "x", "--idle", "1s"], "do not apply")
fails("a table without its network", 2, ["measure", "--write", "x.json", "--", "true"], "--network")

process = subprocess.Popen([KERF, "measure", "--sysfs", TX2, "--", "sh", "-c", "echo up >&2; exec sleep 60"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=tap.ENV)
timer = threading.Timer(60, process.kill)
timer.start()
process.stderr.readline()
process.terminate()
out, err = process.communicate()
timer.cancel()
check("an interruption ends the command and tells nothing",
      process.returncode == 1 and "interrupted" in err and out == "", (process.returncode, out, err))

process = subprocess.run([KERF, "measure", "--sysfs", TX2, "--", "sleep", "0.05"], capture_output=True, text=True, timeout=60,
                         env=tap.ENV, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
check("a parent that ignores its children's ends does not matter", process.returncode == 0, process)
start = time.monotonic()
fails("a sensor vanishes, and the command does not end when asked to", 1,
      ["measure", "--sysfs", TX2, "--", "sh", "-c", "trap '' TERM; rm '%s'; while :; do sleep 0.1; done" % power],
      "cannot open")
check("and the command was killed", time.monotonic() - start < 60)
write(power, "5000\n")

# --- a table for calibration, a log of tegrastats ---

table = ROOT + "/table.json"
status, out, err = kerf("measure", "--sysfs", TX2, "--inferences", "10", "--write", table, "--network",
                        "resnet50", "--", "sleep", "0.05")
row = json.load(open(table, encoding="utf-8"))["measurements"][0]
check("a table for kerf calibrate is written", row["network"] == "resnet50" and row["energy"].endswith(" J"), row)
fails("an existing file is not overwritten", 1,
      ["measure", "--sysfs", TX2, "--write", table, "--network", "resnet50", "--", "no-such-command"], "table.json")
log = ROOT + "/tegrastats.log"
write(log, "RAM 1/2MB VDD_IN 4000/4000 VDD_CPU 100/100\n" * 3)
m = measured("--tegrastats", log, "--interval", "100ms")
check("a log of tegrastats", near(m["total"]["energy_J"]["mean"], 0.8, 1e-9), m)
stamped = ["11-24-2026 23:59:%02d" % (50 + i // 10) if i < 100 else "11-25-2026 00:00:00" for i in range(101)]
write(log, "".join(t + " RAM 1/2MB VDD_IN 4000mW/4000mW NC 0mW/0mW NC 0mW/0mW\n" for t in stamped))
fails("a log whose lines tell of another interval than the default", 1, ["measure", "--tegrastats", log],
      "100 ms apart by their own times", "--interval")
m = measured("--tegrastats", log, "--interval", "100ms")
check("unless it is given", near(m["total"]["energy_J"]["mean"], 40, 1e-9) and len(m["rails"]) == 1, m)
status, out, err = kerf("measure", "--tegrastats", log, "--interval", "1s")
check("a wrong one is warned of", status == 0 and "taken as 1 s apart" in err, err)
fails("a log that is not there", 1, ["measure", "--tegrastats", ROOT + "/none"], "cannot open")
try:
    import jsonschema
    schema = json.load(open("configs/schema/measure.json", encoding="utf-8"))
    for name, document in (("a run's", measured("--sysfs", TX2, "-n", "2", "--idle", "50ms", "--inferences", "4",
                                                "--", "sleep", "0.05")), ("a log's", m)):
        errors = list(jsonschema.Draft7Validator(schema).iter_errors(document))
        check("%s JSON keeps its schema" % name, not errors, errors)
except ImportError:
    tap.skip("JSON keeps its schema", "python3-jsonschema is not installed")
shutil.rmtree(ROOT)
tap.done()
