"""Power modes derived from measured ones, the servers' rooflines, and how modes are written."""
import collections
import copy

import numpy as np

Clocks = collections.namedtuple("Clocks", "gpu memory cpu")  # maximum clocks of a mode, MHz


def rounded(values, digits=3):
    return np.array([float("%.*g" % (digits, v)) for v in values])


def derive_mode(base, name, base_clocks, clocks, idle, basis):
    """The mode at other clocks: times by the clock of what does the work, energy above idle with
    that clock (dynamic energy per operation goes with voltage squared, here taken as the clock)."""
    ratio = {"per_mac": clocks.gpu / base_clocks.gpu, "per_byte": clocks.memory / base_clocks.memory,
             "launch": clocks.cpu / base_clocks.cpu, "partition": clocks.cpu / base_clocks.cpu}
    mode = copy.deepcopy(base)
    mode.update(name=name, idle=idle)
    if basis:
        mode["basis"] = basis

    def time(key, seconds):
        return seconds / ratio[key]

    def energy(key, joules, seconds):
        dynamic = max(joules - base["idle"] * seconds, 0)
        return idle * time(key, seconds) + dynamic * ratio[key]

    latency = base["latency"]
    for key in ratio:
        both = [("latency", lambda v, s: time(key, v))]
        if base["energy"]["form"] == "classes":
            both.append(("energy", lambda v, s: energy(key, v, s)))
        for part, function in both:
            if key == "per_mac":
                mode[part][key] = {c: function(v, latency[key][c])
                                   for c, v in base[part][key].items()}
            else:
                mode[part][key] = function(base[part][key], latency[key])
    return mode


PREFIXES = ((1, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"), (1e-12, "p"), (1e-15, "f"))


def quantity(value, unit):
    if value == 0:
        return "0 " + unit
    for scale, prefix in PREFIXES:
        if value >= scale * 0.9995:
            break
    return "%.3g %s%s" % (value / scale, prefix, unit)


def part_json(part, unit):
    """Latency (unit s) or energy (unit J) as the file has it."""
    result = {"form": part["form"]}
    if "active" in part:
        result["active"] = quantity(part["active"], "W")
        return result
    result["per_mac"] = {c: quantity(v, unit + "/MAC") for c, v in part["per_mac"].items()}
    for key, suffix in (("per_kernel", "/kernel"), ("per_byte", "/B"), ("launch", ""),
                        ("partition", "")):
        if key in part:
            result[key] = quantity(part[key], unit + suffix)
    return result


def mode_json(mode):
    result = {"name": mode["name"]}
    if "basis" in mode:
        result["basis"] = mode["basis"]
    result["latency"] = part_json(mode["latency"], "s")
    result["energy"] = part_json(mode["energy"], "J")
    result["idle"] = quantity(mode["idle"], "W")
    return result


def roofline(macs_per_s, bytes_per_s, launch, partition, share):
    per_mac = {c: 1 / (macs_per_s * s) for c, s in share.items()}
    per_mac["default"] = per_mac["pointwise"]
    return {"form": "max", "per_mac": per_mac, "per_byte": 1 / bytes_per_s, "launch": launch,
            "partition": partition}


def server(name, description, peak, shares, assumptions, memory, latency, active, idle):
    return {
        "name": name, "description": description, "memory": memory, "default_mode": "default",
        "provenance": "Assumed, not measured: a roofline of the data sheet's peak figures (%s) and "
                      "stated shares of them. No coefficient was fitted." % peak,
        "fit": "None. Replace this profile by measured figures of your server (--server-profile, "
               "or a file of your own) where its time matters.",
        "assumptions": "Batch 1. %s %s Energy is the power of the whole machine while it computes "
                       "times the time." % (shares, assumptions),
        "modes": [{"name": "default", "latency": latency,
                   "energy": {"form": "power", "active": active}, "idle": idle}]}


def server_profiles():
    gpu_share = {"conv": 0.5, "pointwise": 0.4, "depthwise": 0.05, "fc": 0.4, "matmul": 0.3,
                 "recurrent": 0.1}
    t4_share = {"conv": 0.2, "pointwise": 0.15, "depthwise": 0.01, "fc": 0.15, "matmul": 0.1,
                "recurrent": 0.02}
    a100_share = {c: s / 2 for c, s in t4_share.items()}  # batch 1 fills so large a GPU worse
    cpu_share = {"conv": 0.5, "pointwise": 0.4, "depthwise": 0.1, "fc": 0.4, "matmul": 0.3,
                 "recurrent": 0.2}

    def text(share, memory):
        return ("Share of peak arithmetic: %s; of peak memory bandwidth %d %%."
                % (", ".join("%s %g %%" % (c, 100 * s) for c, s in share.items()), memory))
    return [
        server("edge-gpu", "Desktop with a GeForce RTX 3060 class GPU, 12 GB",
               "12.7 TFLOP/s float32, 360 GB/s, 170 W board", text(gpu_share, 75),
               "Float32 on CUDA cores, tensor cores unused. 10 us per launch, 300 us per request "
               "for copies and synchronisation. 150 W of the GPU plus 50 W of its host while "
               "computing, 15 W plus 40 W idle.",
               "12 GB", roofline(12.7e12 / 2, 0.75 * 360e9, 10e-6, 300e-6, gpu_share), 200.0, 55.0),
        server("edge-t4", "Data-centre server with an NVIDIA T4, 16 GB",
               "65 TFLOP/s float16 on tensor cores, 320 GB/s, 70 W board", text(t4_share, 70),
               "TensorRT float16 made from a float32 network: the time per byte is for the float32 "
               "tensors that the network file declares, of which the engine moves half; a network "
               "stored in float16 is underestimated. 7 us per launch, 200 us per request. 70 W of "
               "the GPU plus 60 W as its share of the host while computing, 10 W plus 50 W idle.",
               "16 GB", roofline(65e12 / 2, 2 * 0.7 * 320e9, 7e-6, 200e-6, t4_share), 130.0, 60.0),
        server("cloud-a100", "Cloud instance with one NVIDIA A100 PCIe, 40 GB",
               "312 TFLOP/s float16 on tensor cores without sparsity, 1555 GB/s, 250 W board",
               text(a100_share, 70),
               "Half of edge-t4's shares, as batch 1 fills so large a GPU worse. TensorRT float16 "
               "made from a float32 network: the time per byte is for the float32 tensors that the "
               "network file declares, of which the engine moves half; a network stored in float16 "
               "is underestimated. 7 us per launch, 200 us per request. 150 W of the GPU plus 60 W "
               "as its share of the host while computing, 40 W plus 50 W idle; no cooling.",
               "40 GB", roofline(312e12 / 2, 2 * 0.7 * 1555e9, 7e-6, 200e-6, a100_share), 210.0,
               90.0),
        server("edge-cpu", "Desktop or server CPU with 16 AVX2 cores, 32 GB",
               "16 cores x 3.0 GHz x 16 float32 MACs per cycle = 768 GMAC/s, two channels of "
               "DDR4-3200 = 51.2 GB/s", text(cpu_share, 70),
               "Float32 in a tuned runtime that uses all cores for one request. 10 us per "
               "operator, 50 us per request. 150 W while computing, 50 W idle.",
               "32 GB", roofline(768e9, 0.7 * 51.2e9, 10e-6, 50e-6, cpu_share), 150.0, 50.0),
    ]
