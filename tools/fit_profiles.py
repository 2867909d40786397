#!/usr/bin/python3
"""Fits the bundled device profiles on public measurements and writes configs/devices/*.json.

    tools/fit_profiles.py [DATA] [OUTPUT]      (../shared/data/jetson, configs)

Needs numpy and scipy. Everything is deterministic. All fits minimise a robust (soft L1) relative
error with non-negative coefficients; errors are of predictions for folds (stages, networks) that
were left out of the fit, with the coefficients rounded as they are printed in the profile.
"""
import json
import os
import sys

import numpy as np
from scipy.optimize import least_squares

import fit_data
from fit_modes import Clocks, derive_mode, mode_json, rounded, server_profiles

# A fully connected layer's MAC costs what a pointwise convolution's does: what makes it dearer for
# a single vector is that every weight is fetched for one MAC, and that is in the bytes. (A price per
# MAC fitted on single vectors would make a transformer's linear layers ten times too dear.)
COLUMN = {"conv": 0, "pointwise": 1, "fc": 1, "depthwise": 2}
BYTES, LAUNCH, PARTITION, TERMS = 3, 4, 5, 6


def features(rows):
    """Row x term; grouped by launches already summed: the sum forms are linear."""
    table = np.zeros((len(rows), TERMS))
    for i, row in enumerate(rows):
        for g in row["groups"]:
            if g["class"] in COLUMN:
                table[i, COLUMN[g["class"]]] += g["macs"]
            table[i, BYTES] += g["bytes"]
            table[i, LAUNCH] += 1
        table[i, PARTITION] = 1
    return table


def solve(residual, start, low, high):
    """Robust bounded least squares, each variable scaled by its start."""
    start, low, high = (np.asarray(v, float) for v in (start, low, high))
    best = None
    for factor in (1.0, 0.3, 3.0):
        x0 = np.clip(factor, low / start * (1 + 1e-9) + 1e-9, high / start)
        result = least_squares(lambda z: residual(z * start), x0, loss="soft_l1", f_scale=0.1,
                               bounds=(low / start, high / start), x_scale=1.0)
        if best is None or result.cost < best.cost:
            best = result
    return best.x * start


def errors(predicted, measured):
    e = np.abs(predicted / measured - 1) * 100
    r2 = 1 - np.sum((predicted - measured) ** 2) / np.sum((measured - measured.mean()) ** 2)
    return {"mape": e.mean(), "median": np.median(e), "r2": r2}


def show(e):
    return "%.1f %% mean, %.1f %% median absolute error, R2 %.2f" % (e["mape"], e["median"], e["r2"])


def column(rows, key):
    return np.array([row[key] for row in rows])


def cross_validate(rows, tested, fit, predict, key):
    """Errors on the rows of `tested`, each predicted by a fit without its fold."""
    predicted = np.zeros(len(rows))
    folds = sorted({rows[i]["fold"] for i in np.flatnonzero(tested)})
    for fold in folds:
        out = tested & np.array([row["fold"] == fold for row in rows])
        model = fit([row for row, left in zip(rows, out) if not left])
        predicted[out] = predict(model, [row for row, left in zip(rows, out) if left])
    return errors(predicted[tested], column(rows, key)[tested])


# --- Jetson TX2 ------------------------------------------------------------------------------------
# Latency and energy of the blocks are fitted together: every term has a time and a power, so that
# no coefficient implies a power that the board cannot draw. The pointwise and standard
# convolutions' times are shared with the whole networks that were timed on the same board, whose
# framework has byte, launch and depthwise times of its own.
TX2_BANDWIDTH = 59.7e9
TX2_IDLE_W = 3.0
PARTITION_J, PARTITION_S = 2.2e-3, 0.42e-3  # from the smallest blocks; only to bound the power


def highest_power(blocks):
    """Largest whole-board power of a block beyond its constant part, of blocks above 0.8 ms."""
    return max((b["energy"] - PARTITION_J) / (b["latency"] - PARTITION_S)
               for b in blocks if b["latency"] > 0.8e-3 and not b["grouped"])


class Tx2Model:
    def __init__(self, blocks, networks, power):
        self.blocks, self.networks = features(blocks), features(networks)
        self.t, self.e = column(blocks, "latency"), column(blocks, "energy")
        self.t_networks = column(networks, "latency")
        self.power = power

    # x: 6 times, 5 powers (conv shares the pointwise one), then the framework's depthwise, bytes,
    # launch
    def split(self, x):
        times = x[:6]
        powers = np.concatenate([x[6:7], x[6:11]])
        framework = np.concatenate([times[:2], x[11:14], [0]])
        return times, times * powers, framework

    def residual(self, x):
        times, energies, framework = self.split(x)
        return np.concatenate([self.blocks @ times / self.t - 1, self.blocks @ energies / self.e - 1,
                               self.networks @ framework / self.t_networks - 1])

    def fit(self):
        start = [3e-12, 5e-12, 6e-11, 2e-11, 3e-5, 4e-4] + [10.0] * 3 + [6.0, 5.0]
        start += [3e-11, 1.2e-10, 3e-5]
        low = [0, 0, 0, 1 / TX2_BANDWIDTH, 0, 0] + [TX2_IDLE_W] * 5 + [0] * 3
        high = [np.inf] * 6 + [self.power] * 5 + [np.inf] * 3
        times, energies, _ = self.split(solve(self.residual, start, low, high))
        return {"s": rounded(times), "J": rounded(energies)}


def fit_tx2(blocks, networks):
    plain = [b for b in blocks if not b["grouped"]]
    power = highest_power(blocks)
    tested = np.array([b["kind"] == "ConvBlock" for b in plain])

    def fit(rows):
        return Tx2Model(rows, networks, power).fit()

    model = fit(plain)
    report = {"power": power, "plain": len(plain), "tested": int(tested.sum())}
    for key, name in (("s", "latency"), ("J", "energy")):
        report[name] = cross_validate(plain, tested, fit, lambda m, r: features(r) @ m[key], name)
        report["all " + name] = errors(features(blocks) @ model[key], column(blocks, name))
        grouped = [b for b in blocks if b["grouped"]]
        report["grouped " + name] = np.median(features(grouped) @ model[key] /
                                              column(grouped, name) - 1) * 100
        report["plain " + name] = errors(features(plain) @ model[key], column(plain, name))
    return model, report


def per_group(rows, function):
    return np.array([sum(function(g) for g in row["groups"]) for row in rows])


def linear_fit(table, measured):
    """Non-negative robust relative fit of any table of features."""
    scale = np.maximum(table.max(axis=0), 1e-30)
    start = measured.mean() / scale
    return rounded(solve(lambda x: table @ x / measured - 1, start, np.zeros(len(start)),
                         np.full(len(start), np.inf)))


def convolution_features(rows):
    """The seed's form: FC MACs, convolution MACs, kernels, and the constant of a call."""
    return np.stack([per_group(rows, lambda g: g["macs"] if g["class"] == "fc" else 0),
                     per_group(rows, lambda g: 0 if g["class"] == "fc" else g["macs"]),
                     per_group(rows, lambda g: g["kernels"]), np.ones(len(rows))], axis=1)


def fit_tx2_kernels(blocks):
    """Without the two standard convolutions, which cannot carry a coefficient of their own."""
    plain = [b for b in blocks if not b["grouped"] and
             all(g["class"] != "conv" for g in b["groups"])]
    tested = np.array([b["kind"] == "ConvBlock" for b in plain])

    def fit(rows):
        return linear_fit(convolution_features(rows), column(rows, "energy"))

    return fit(plain), cross_validate(plain, tested, fit, lambda m, r: convolution_features(r) @ m,
                                      "energy")


def floor_energy(x, rows, exponent):
    """x: J/MAC by class, J/byte, J/launch, J/partition, floor J."""
    def cost(g):
        price = x[COLUMN[g["class"]]] if g["class"] in COLUMN else 0
        work = g["macs"] * price + g["bytes"] * x[BYTES] + x[LAUNCH]
        return (work ** exponent + x[TERMS] ** exponent) ** (1 / exponent)
    return per_group(rows, cost) + x[PARTITION]


def compare_tx2_forms(blocks):
    """Cross-validated energy errors of the other forms, each fitted freely."""
    plain = [b for b in blocks if not b["grouped"]]
    tested = np.array([b["kind"] == "ConvBlock" for b in plain])

    def macs(rows):
        return np.stack([per_group(rows, lambda g: g["macs"])], axis=1)

    def macs_constant(rows):
        return np.concatenate([macs(rows), np.ones((len(rows), 1))], axis=1)

    def floor_fit(rows):
        start = [3e-11, 1.3e-10, 7e-10, 2e-10, 2e-4, 2e-3, 4e-4]
        measured = column(rows, "energy")
        return solve(lambda x: floor_energy(x, rows, 6) / measured - 1, start, np.zeros(TERMS + 1),
                     np.full(TERMS + 1, np.inf))
    result = {}
    for name, table in (("MACs", macs), ("MACs and a constant", macs_constant)):
        result[name] = cross_validate(
            plain, tested, lambda rows: linear_fit(table(rows), column(rows, "energy")),
            lambda m, rows: table(rows) @ m, "energy")
    result["floor per group, p = 6"] = cross_validate(
        plain, tested, floor_fit, lambda m, rows: floor_energy(m, rows, 6), "energy")
    return result


# --- AGX Xavier and Nano: whole networks -------------------------------------------------------------
def fit_networks(networks):
    """Times of the sum form. A depthwise MAC costs at least what a pointwise one costs."""
    def fit(rows):
        table, measured = features(rows), column(rows, "latency")
        table[:, 1] += table[:, 2]  # depthwise: pointwise plus something
        start = np.array([1, 2, 20, 30, 3e7, 3e8]) * 1e-12
        x = solve(lambda z: table @ z / measured - 1, start, np.zeros(TERMS),
                  np.full(TERMS, np.inf))
        x[2] += x[1]
        x[x < 1e-18] = 0  # at its bound
        return rounded(x)

    tested = np.ones(len(networks), bool)
    model = fit(networks)
    return model, cross_validate(networks, tested, fit, lambda m, r: features(r) @ m, "latency")


# --- Orin Nano: one network's layers ------------------------------------------------------------------
def merge_classes(rows):
    """One standard convolution cannot carry a coefficient: it joins the pointwise ones."""
    table = features(rows)
    table[:, 1] += table[:, 0]
    return table[:, [1, 2, BYTES, LAUNCH]]


def fit_orin(layers):
    report, model = {}, {}
    for key in ("latency", "energy"):
        def fit(rows):
            return linear_fit(merge_classes(rows), column(rows, key))
        model[key] = fit(layers)
        report[key] = cross_validate(layers, np.ones(len(layers), bool), fit,
                                     lambda m, r: merge_classes(r) @ m, key)
    return model, report


# --- Profiles ------------------------------------------------------------------------------------------
def per_mac(x):
    """Classes with MACs that were not measured take the nearest that was. A recurrent layer fetches
    its weights again at every step: four bytes per MAC."""
    conv, pointwise, depthwise, byte = x[0], x[1], x[2], x[BYTES]
    return {"conv": conv, "pointwise": pointwise, "depthwise": depthwise, "fc": pointwise,
            "matmul": pointwise, "recurrent": pointwise + fit_data.FLOAT * byte,
            "default": pointwise}


def sum_latency(x):
    return {"form": "sum", "per_mac": per_mac(x), "per_byte": x[BYTES], "launch": x[LAUNCH],
            "partition": x[PARTITION]}


def classes_energy(x):
    return dict(sum_latency(x), form="classes")


OTHER_CLASSES = ("A MAC of a fully connected layer, or of a product of two tensors, is priced as a "
                 "pointwise convolution's; a single vector's weights cost their bytes. Recurrent "
                 "layers are assumed to fetch their weights again at every step (4 bytes per "
                 "MAC). ")


FBNET = ("HW-NAS-Bench's FBNet look-up table (MIT): latency and whole-board energy (VDD_IN, idle "
         "included) of blocks on a Jetson TX2, TensorRT float32, batch 1")
BOUZIDI = ("Bouzidi et al., perf_prediction: latency of whole networks in Keras/TensorFlow float32, "
           "batch 1")
TX2_CLOCKS = Clocks(gpu=1300, memory=1866, cpu=2000)
TX2_MODES = [("maxq", Clocks(gpu=850, memory=1331, cpu=1200), 2.5),
             ("maxp-core-all", Clocks(gpu=1120, memory=1600, cpu=1400), 2.8)]
SCALING = ("Other modes are not measured: times scale with the GPU's (per MAC), memory's (per byte) "
           "or CPU's (launch, partition) maximum clock of the mode, and the energy above idle with "
           "that clock (voltage squared taken as proportional to it).")


def clock_text(name, clocks, base):
    return ("derived from %s: GPU %d MHz, memory %d MHz, CPU %d MHz."
            % (base, clocks.gpu, clocks.memory, clocks.cpu))


def tx2_profiles(blocks, networks):
    model, report = fit_tx2(blocks, networks)
    latency, energy = sum_latency(model["s"]), classes_energy(model["J"])
    maxn = {"name": "maxn", "latency": latency, "energy": energy, "idle": TX2_IDLE_W}
    modes = [maxn] + [derive_mode(maxn, name, TX2_CLOCKS, clocks, idle,
                                  clock_text(name, clocks, "maxn"))
                      for name, clocks, idle in TX2_MODES]
    provenance = ("Fitted on %s; %d of its 142 published blocks were used, the %d with grouped "
                  "pointwise convolutions were left out. Times per MAC of standard and pointwise "
                  "convolutions are shared with %d whole networks timed on a TX2 (%s)."
                  % (FBNET, report["plain"], 142 - report["plain"], len(networks), BOUZIDI))
    fit = ("Relative least squares (soft L1), non-negative, latency and energy together. Blocks of "
           "stages left out of the fit (%d blocks): energy %s; latency %s. All 142 blocks, grouped "
           "ones included: energy %.1f %%, latency %.1f %% mean absolute error; grouped blocks "
           "come out %.0f %% low in energy (median): the runtime's grouped kernels are dearer than "
           "their MACs. In short: %.0f %% off on average for mobile blocks, 40 to 50 %% for other "
           "networks."
           % (report["tested"], show(report["energy"]), show(report["latency"]),
              report["all energy"]["mape"], report["all latency"]["mape"],
              -report["grouped energy"], report["all energy"]["mape"]))
    assumptions = ("TensorRT float32. The source does not state its power mode; MAXN is assumed. "
                   "No term draws more than %.1f W, the largest power of any block beyond its "
                   "constant part, and bytes are not faster than the memory's 59.7 GB/s; a MAC of "
                   "a standard convolution draws the power of a pointwise one (the data hold only "
                   "two standard convolutions). %sIdle power "
                   "(%.1f W) is assumed, not measured: a board that waits without spinning, below "
                   "the 5.3 W that it draws when launch-bound. %s"
                   % (report["power"], OTHER_CLASSES, TX2_IDLE_W, SCALING))
    seed, seed_error = fit_tx2_kernels(blocks)
    kernels = {"form": "mac-kernels",
               "per_mac": {"conv": model["J"][0], "fc": seed[0], "default": seed[1]},
               "per_kernel": seed[2],
               "per_byte": energy["per_byte"], "partition": seed[3]}
    forms = compare_tx2_forms(blocks)
    print("jetson-tx2:", json.dumps(report, default=str, indent=1))
    print("forms:", *("%s: %s" % (k, show(v)) for k, v in forms.items()),
          "mac-kernels: " + show(seed_error), sep="\n  ")
    common = {"description": "NVIDIA Jetson TX2, 256-core Pascal, 8 GB", "memory": "8 GB",
              "default_mode": "maxn"}
    return [
        dict(common, name="jetson-tx2", provenance=provenance, fit=fit, assumptions=assumptions,
             modes=modes),
        dict(common, name="jetson-tx2-mac-kernels",
             description="NVIDIA Jetson TX2 with the seed model's two-parameter energy form",
             provenance="Coefficients re-fitted on public measurements, none of them from a paper. "
                        "The form follows the structure of S. Lahmer, A. Khoshsirat, M. Rossi, "
                        "A. Zanella (WiOpt 2022, doi 10.23919/WiOpt56218.2022.9930584): energy "
                        "from MACs, and for convolutions from MACs and kernels. "
                        + provenance,
             fit="Energy, %d blocks of stages left out of the fit: %s (the form of jetson-tx2: "
                 "%s). Latency: as jetson-tx2. In short: energy %.0f %% off on average for mobile "
                 "blocks, more for other networks." % (report["tested"], show(seed_error),
                                                       show(report["energy"]), seed_error["mape"]),
             assumptions="The blocks hold pointwise and depthwise convolutions, which share one "
                         "energy per MAC here; a MAC of a standard convolution costs what it does "
                         "in jetson-tx2, or VGG-16 would draw 40 W. The one slope of fully "
                         "connected layers is that of a single vector: do not use this profile "
                         "for transformers, whose linear layers it makes ten times too dear. "
                         "The constant of a call is charged once per partition. What the form does "
                         "not know (pooling, concatenation, ...) is charged for its bytes, at "
                         "jetson-tx2's energy per byte, where it runs on its own, and is free "
                         "where it is fused. " + assumptions,
             modes=[dict(maxn, energy=kernels)]),
    ]


def scaled_power_modes(base, base_clocks, modes):
    """Modes of the power form: dynamic power with the square of the GPU's clock, at most the budget."""
    result = []
    for name, clocks, idle, budget in modes:
        mode = derive_mode(base, name, base_clocks, clocks, idle, None)
        dynamic = base["energy"]["active"] - base["idle"]
        active = idle + dynamic * (clocks.gpu / base_clocks.gpu) ** 2
        mode["energy"] = {"form": "power", "active": min(round(active, 1), budget)}
        mode["basis"] = clock_text(name, clocks, base["name"]) + (
            " Active power is the mode's budget." if active > budget else "")
        result.append(mode)
    return result


POWER_SCALING = ("Other modes are not measured: times scale with the GPU's (per MAC), memory's (per "
                 "byte) or CPU's (launch, partition) maximum clock, power above idle with the "
                 "square of the GPU's clock, at most the mode's budget.")
RAIL = ("Energy is the board's power times the time, all that is known: the same source's mean "
        "power, de-mixed by duty cycle, gives %s W idle and %s W active for what is probably the "
        "GPU's rail; the difference is added to an assumed idle power of the board of %s W. On "
        "the TX2 the same rule gives 13 W where its blocks support 12 W. ")
FRAMEWORK = ("Keras/TensorFlow float32: an engine such as TensorRT is faster, in float16 much more. "
             "Coefficients per byte and launch also carry the layers that the source does not list "
             "(normalization, activation, pooling, addition), so networks with many of those on "
             "their own are overestimated. " + OTHER_CLASSES)

AGX_CLOCKS = Clocks(gpu=1377, memory=2133, cpu=2265)
AGX_MODES = [("30w", Clocks(gpu=900, memory=1600, cpu=1200), 6.0, 30.0),
             ("15w", Clocks(gpu=670, memory=1333, cpu=1200), 5.0, 15.0),
             ("10w", Clocks(gpu=520, memory=1066, cpu=1200), 4.5, 10.0)]
NANO_CLOCKS = Clocks(gpu=922, memory=1600, cpu=1479)
NANO_MODES = [("5w", Clocks(gpu=640, memory=1600, cpu=918), 1.6, 5.0)]


def network_profile(folder, board, description, memory, base_name, clocks, modes, idle, rail):
    networks = fit_data.network_latencies(folder, board)
    model, report = fit_networks(networks)
    print("%s: %s %s" % (board, show(report), list(model)))
    active = round(rail[1] - rail[0] + idle, 1)
    base = {"name": base_name, "latency": sum_latency(model), "idle": idle,
            "energy": {"form": "power", "active": active}}
    return {
        "name": board, "description": description, "memory": memory, "default_mode": base_name,
        "provenance": "Latency fitted on %d network and input size pairs measured on this board "
                      "(%s). No energy per layer or network is public; energy is an assumption."
                      % (len(networks), BOUZIDI),
        "fit": "Relative least squares (soft L1), non-negative. Latency of networks left out of "
               "the fit: %s. Energy: not fitted. In short: latency %.0f %% off on average, energy "
               "assumed." % (show(report), report["mape"]),
        "assumptions": RAIL % (rail[0], rail[1], idle) + FRAMEWORK + POWER_SCALING,
        "modes": [base] + scaled_power_modes(base, clocks, modes)}


def xavier_nx_profile(agx):
    """From the AGX Xavier's times by peak arithmetic, bandwidth and CPU clock."""
    mac, byte, host = 1.41 / 0.84, 136.5 / 51.2, 2265 / 1400
    base = agx["modes"][0]["latency"]
    latency = {"form": "sum", "per_byte": base["per_byte"] * byte, "launch": base["launch"] * host,
               "partition": base["partition"] * host,
               "per_mac": {c: v * mac for c, v in base["per_mac"].items()}}
    mode = {"name": "15w", "latency": latency, "idle": 4.0,
            "energy": {"form": "power", "active": 15.0}}
    clocks = Clocks(gpu=1100, memory=1600, cpu=1400)
    slow = Clocks(gpu=800, memory=1600, cpu=1200)
    low = derive_mode(mode, "10w", clocks, slow, 3.5, clock_text("10w", slow, "15w"))
    low["energy"] = {"form": "power", "active": 10.0}
    low["basis"] += " Active power is the mode's budget."
    return {
        "name": "jetson-xavier-nx", "description": "NVIDIA Jetson Xavier NX, 384-core Volta, 8 GB",
        "memory": "8 GB", "default_mode": "15w",
        "provenance": "Derived, not measured: no public energy measurement per layer or network of "
                      "this board was found. Times are jetson-agx-xavier's, scaled by peak float32 "
                      "arithmetic (1.41 to 0.84 TFLOP/s), memory bandwidth (136.5 to 51.2 GB/s) "
                      "and CPU clock (2265 to 1400 MHz).",
        "fit": "None: nothing was fitted on this board. jetson-agx-xavier's own error (%s) is a "
               "lower bound. In short: derived from another board; replace it by a calibration of yours."
               % agx["fit"].split("fit: ")[1].split(". Energy")[0],
        "assumptions": "Energy is the mode's power budget (15 W or 10 W for the module) times the "
                       "time, an upper bound of its average power; idle power is assumed. "
                       + FRAMEWORK + "The 10 W mode's times scale with its clocks.",
        "modes": [mode, low]}


def orin_profile(folder):
    layers, activations, reformat, idle = fit_data.orin_layers(folder)
    model, report = fit_orin(layers)
    print("jetson-orin-nano:", {k: (show(report[k]), list(model[k])) for k in model})

    def terms(x, partition):
        return {"per_mac": per_mac([x[0], x[0], x[1], x[2]]), "per_byte": x[2], "launch": x[3],
                "partition": float("%.3g" % partition)}
    idle = round(idle, 2)
    total = sum(layer["latency"] for layer in layers) + activations + reformat[0]
    base = {"name": "15w", "latency": dict(terms(model["latency"], reformat[0]), form="sum"),
            "energy": dict(terms(model["energy"], reformat[1]), form="classes"), "idle": idle}
    clocks = Clocks(gpu=625, memory=2133, cpu=1510)
    slow = Clocks(gpu=408, memory=2133, cpu=960)
    return {
        "name": "jetson-orin-nano", "description": "NVIDIA Jetson Orin Nano, 1024-core Ampere, 8 GB",
        "memory": "8 GB", "default_mode": "15w",
        "provenance": "Fitted on the %d convolutions of MobileNetV2 in TensorRT float16 on an Orin "
                      "Nano, run time x board power per layer (fuzzylabs/edge-vision-power-"
                      "estimation, Apache-2.0). Idle power (%.2f W) is that source's measurement."
                      % (len(layers), idle),
        "fit": "Relative least squares (soft L1), non-negative, leave one layer out: energy %s; "
               "latency %s. In short: %.0f %% off on the layers of the one network measured; others may "
               "be far off." % (show(report["energy"]), show(report["latency"]),
                                report["energy"]["mape"]),
        "assumptions": "TensorRT float16 made from a float32 network: coefficients per byte are for "
                       "the float32 tensors that the network file declares, of which the engine "
                       "moves half; a network stored in float16 is underestimated. Activations are "
                       "taken as fused, as TensorRT normally has them: the measured engine ran its "
                       "35 as kernels of their own, %.2f ms of its %.2f ms. The source does "
                       "not state its power mode; the default 15 W is assumed. Its layers are "
                       "short, so the sensor shows about 6 W throughout: a heavy network will "
                       "draw more than this profile says. Standard convolutions (one in the data) "
                       "are priced as pointwise ones. %sA call's constant is the "
                       "engine's reformatting of its input. "
                       % (activations * 1e3, total * 1e3, OTHER_CLASSES) + SCALING,
        "modes": [base, derive_mode(base, "7w", clocks, slow, idle,
                                    clock_text("7w", slow, "15w") + " Idle power as at 15 W.")]}


def write(folder, profile):
    ordered = {"format": "kerf-device/1"}
    for key in ("name", "description", "provenance", "fit", "assumptions", "memory",
                "default_mode"):
        if key in profile:
            ordered[key] = profile[key]
    ordered["modes"] = [mode_json(mode) for mode in profile["modes"]]
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, profile["name"] + ".json"), "w") as file:
        json.dump(ordered, file, indent=2)
        file.write("\n")


def main():
    data = sys.argv[1] if len(sys.argv) > 1 else "../shared/data/jetson"
    output = sys.argv[2] if len(sys.argv) > 2 else "configs"
    blocks = fit_data.fbnet_blocks(data)
    devices = tx2_profiles(blocks, fit_data.network_latencies(data, "jetson-tx2"))
    agx = network_profile(data, "jetson-agx-xavier", "NVIDIA Jetson AGX Xavier, 512-core Volta, "
                          "32 GB", "32 GB", "maxn", AGX_CLOCKS, AGX_MODES, 7.0, (1.29, 29.4))
    nano = network_profile(data, "jetson-nano", "NVIDIA Jetson Nano, 128-core Maxwell, 4 GB",
                           "4 GB", "10w", NANO_CLOCKS, NANO_MODES, 2.0, (0.14, 4.4))
    for profile in devices + [agx, nano, xavier_nx_profile(agx), orin_profile(data)]:
        write(os.path.join(output, "devices"), profile)
    for profile in server_profiles():
        write(os.path.join(output, "servers"), profile)


if __name__ == "__main__":
    main()
