"""Random networks, devices, links and profiles for test_recompute.py: small, valid, and with a bit of
everything that the formats allow."""
TYPES = ("float32", "float32", "float16", "float64", "int8", "uint8", "int32")
CLASSES = ("conv", "pointwise", "depthwise", "fc", "matmul", "recurrent", "pool", "norm", "elementwise", "reduce",
           "move", "other")


class Builder:
    """Operators one after the other; every operand is some tensor made before."""

    def __init__(self, rng):
        self.rng, self.operators, self.constants, self.tensors = rng, [], [], []

    def add(self, kind, inputs, shape, element="float32", **fields):
        name = "%s_%d" % (kind.lower(), len(self.operators))
        self.operators.append({"name": name, "type": kind, "inputs": [t[0] for t in inputs], "outputs": [name + ".y"],
                               **fields})
        tensor = (name + ".y", shape, element)
        self.tensors.append(tensor)
        return tensor

    def pick(self, fits=lambda t: True):
        """A tensor, rather a late one; None if none fits."""
        found = [t for t in self.tensors[1:] if fits(t)]
        if not found:
            return None
        return found[-1] if self.rng.random() < 0.6 else self.rng.choice(found)

    def block(self):
        rng = self.rng
        inputs = [self.pick()]
        inputs += [t for t in rng.sample(self.tensors[1:], min(len(self.tensors) - 1, rng.randrange(3))) if t not in inputs]
        cls = rng.choice(CLASSES)
        shape = [1, rng.choice((4, 16, 60)), rng.choice((1, 4, 9)), rng.choice((1, 4, 9))]
        element = rng.choice(TYPES)
        extra = {"kernels": shape[1]} if cls in CLASSES[:3] else {}
        two = rng.random() < 0.2
        out = self.add("Block", inputs, shape, element, macs=rng.choice((0, 3e4, 2e6, 8e7)), output_types=[element],
                       weight_bytes=rng.choice((0, 40, 30000, 4000000)), output_shapes=[shape], **{"class": cls}, **extra)
        if two:
            last = self.operators[-1]
            last["outputs"].append(last["name"] + ".z")
            last["output_shapes"].append([1, 300])
            last["output_types"].append("float32")
            self.tensors.append((last["name"] + ".z", [1, 300], "float32"))
        return out

    def layer(self):
        """An ONNX operator that may become a part of a fused group."""
        rng, one = self.rng, self.pick(lambda t: len(t[1]) == 4 and t[2] == "float32")
        if one is None:
            return self.block()
        shape, same = one[1], self.pick(lambda t: t[1] == one[1] and t[2] == "float32" and t is not one)
        kind = rng.choice(("Conv", "Conv", "Relu", "Relu", "BatchNormalization", "Add", "Add", "Mul", "MaxPool", "Sigmoid",
                           "Identity", "Flatten", "Cast", "Transpose", "Concat", "Softmax", "Shared"))
        if kind == "Conv":
            group, k = rng.choice((1, 1, shape[1])), rng.choice((1, 3))
            channels = shape[1] if group > 1 else rng.choice((4, 16))
            return self.add("Conv", [one], [1, channels, *shape[2:]], attributes={
                "out_channels": channels, "kernel_shape": [k, k], "pads": [k // 2] * 4, "group": group,
                "bias": rng.random() < 0.5})
        if kind == "Shared":
            name = "kernel_%d" % shape[1]
            if name not in [c["name"] for c in self.constants]:
                self.constants.append({"name": name, "shape": [shape[1], shape[1], 1, 1]})
            return self.add("Conv", [one, (name,)], shape)
        if kind in ("Add", "Mul") and same is None:
            return self.add(kind, [one], shape, attributes={"constant_shape": [shape[1], 1, 1]})
        if kind in ("Add", "Mul"):
            return self.add(kind, [one, same], shape)
        if kind == "Concat" and same is not None:
            return self.add(kind, [one, same], [1, 2 * shape[1], *shape[2:]], attributes={"axis": 1})
        if kind == "MaxPool" and min(shape[2:]) >= 4:
            return self.add(kind, [one], [1, shape[1], shape[2] // 2, shape[3] // 2],
                            attributes={"kernel_shape": [2, 2], "strides": [2, 2]})
        if kind == "Flatten":
            flat = self.add(kind, [one], [1, shape[1] * shape[2] * shape[3]])
            return self.add("Gemm", [flat], [1, 50], attributes={"out_features": 50, "bias": True})
        if kind == "Cast":
            small = self.add(kind, [one], shape, "float16", attributes={"to": "float16"})
            return self.add(kind, [small], shape, attributes={"to": "float32"})
        if kind == "Transpose":
            return self.add(kind, [one], [1, shape[2], shape[3], shape[1]], attributes={"perm": [0, 2, 3, 1]})
        if kind in ("Concat", "MaxPool", "Softmax"):
            return self.add("Softmax", [one], shape)
        return self.add(kind, [one], shape)


def network(rng, size):
    b = Builder(rng)
    inputs = [{"name": "in%d" % i, "shape": [1, rng.choice((4, 16)), 8, 8], "type": "float32" if i == 0 else rng.choice(TYPES)}
              for i in range(rng.choice((1, 1, 2, 3)))]
    b.tensors = [None] + [(i["name"], i["shape"], i["type"]) for i in inputs]
    for _ in range(size):
        b.block() if rng.random() < 0.25 else b.layer()
    read = {name for o in b.operators for name in o["inputs"]}
    made = [name for o in b.operators for name in o["outputs"]]
    outputs = [n for n in made if n not in read and not n.endswith(".z")]
    outputs += [n for n in made if n in read and rng.random() < 0.07]
    return {"format": "kerf-network/1", "name": "random", "inputs": inputs, "constants": b.constants,
            "operators": b.operators, "outputs": outputs}


def amount(rng, low, high, unit):
    return "%.6g %s" % (low * (high / low) ** rng.random(), unit)


def mode(rng, name, speed):
    """speed: how many times as fast as a board."""
    def per_mac(low, high, unit):
        named = rng.sample(CLASSES, rng.randrange(6))
        return {c: amount(rng, low, high, unit) for c in [*named, "default"]}
    form = rng.choice(("classes", "floor", "mac-kernels", "power"))
    energy = {"form": form}
    if form == "power":
        energy["active"] = amount(rng, 4, 40, "W")
    else:
        energy.update(per_mac=per_mac(20, 900, "pJ/MAC"), per_byte=amount(rng, 50, 900, "pJ/B"))
        if form != "mac-kernels" or rng.random() < 0.5:
            energy.update(launch=amount(rng, 20, 900, "uJ"), partition=amount(rng, 0.5, 9, "mJ"))
        if form == "floor":
            energy.update(floor=amount(rng, 20, 2000, "uJ"), floor_exponent=rng.choice((1, 2, 6, 50)))
        if form == "mac-kernels":
            energy.update(per_kernel=amount(rng, 1, 50, "uJ/kernel"), **rng.choice(({}, {"kernel_quantum": 8})))
    latency = {"form": rng.choice(("sum", "max")), "per_mac": per_mac(1 / speed, 90 / speed, "ps/MAC"),
               "per_byte": amount(rng, 10 / speed, 500 / speed, "ps/B"), "launch": amount(rng, 5, 90, "us"),
               "partition": amount(rng, 50, 900, "us")}
    return {"name": name, "latency": latency, "energy": energy, "idle": amount(rng, 0.5, 5, "W")}


def device(rng, speed=1):
    answer = {"format": "kerf-device/1", "name": "random", "description": "random", "provenance": "none", "fit": "none",
              "assumptions": "all", "modes": [mode(rng, m, speed) for m in rng.choice((("one",), ("one", "two")))]}
    if rng.random() < 0.3:
        answer["default_mode"] = answer["modes"][-1]["name"]
    if rng.random() < 0.15:
        answer["unsupported"] = rng.choice((["Softmax"], ["Transpose", "Concat"]))
    return answer


def link(rng):
    def power():
        kind = rng.randrange(4)
        if kind == 0:
            return {"active": amount(rng, 0.1, 5, "W")}
        if kind == 1:
            return {"cross_factor": {"airtime_power": amount(rng, 0.05, 2, "W"), "air_rate": amount(rng, 6, 600, "Mbit/s"),
                                     "frame_energy": amount(rng, 0.01, 1, "mJ"), "frame_size": "1448 B"}}
        return {"slope": amount(rng, 1, 900, "mW/(Mbit/s)"), "constant": amount(rng, 10, 3000, "mW")}
    answer = {"format": "kerf-link/1", "uplink": amount(rng, 0.1, 900, "Mbit/s"), "downlink": amount(rng, 0.1, 900, "Mbit/s"),
              "rtt": amount(rng, 0.2, 300, "ms"), "radio": {"uplink": power(), "downlink": power()}}
    optional = {"loss": amount(rng, 0.01, 5, "%"), "mss": amount(rng, 100, 9000, "B"), "overhead": amount(rng, 0.5, 20, "%"),
                "initial_window": amount(rng, 1000, 90000, "B"), "message_bytes": amount(rng, 2, 900, "B"),
                "gap": amount(rng, 0.1, 30, "s"), "connection": rng.choice(("cold", "warm", "new"))}
    answer.update({k: optional[k] for k in optional if rng.random() < 0.3})
    for phase in ("promotion", "switch", "tail"):
        if rng.random() < 0.4:
            answer["radio"][phase] = {"time": amount(rng, 0.05, 12, "s"), "power": amount(rng, 50, 1500, "mW")}
    if rng.random() < 0.5:
        answer["radio"]["idle"] = amount(rng, 1, 900, "mW")
    return answer


def groups(rng, operators):
    """Sets of operators that were measured together, apart or one inside the other."""
    found, owner = [], {o: None for o in operators}
    for number in range(rng.randrange(1, 5)):
        around = rng.choice([None, None, *range(len(found))])
        free = [o for o in operators if owner[o] == around]
        most = len(free) - (around is not None)
        if most < 1:
            continue
        size = rng.randrange(1, most + 1)
        start = rng.randrange(len(free) - size + 1)
        some = rng.sample(free, size) if rng.random() < 0.4 else free[start:start + size]
        for o in some:
            owner[o] = len(found)
        found.append(some)
    return found


def variants(rng):
    """No other networks, and one encoding."""
    costs = {k: amount(rng, 0.01, 30, "ns/B" if k.endswith("time") else "nJ/B")
             for k in ("device_time", "device_energy", "server_time", "server_energy") if rng.random() < 0.7}
    return {"format": "kerf-variants/1", "variants": [], "encodings": [
        {"name": "packed", "type": rng.choice(("own", "float32", "float16", "int8")),
         "ratio": rng.choice((1, 0.3, 0.77)), **costs}]}


def profile(rng, operators):
    """Measured figures of some operators, and perhaps of groups: latency, energy, or both."""
    answer = measured(rng, operators)
    if rng.random() < 0.6:
        figures = list(measured(rng, operators * 3)["operators"].values()) or [{"latency": "1 ms"}]
        answer["groups"] = [dict(rng.choice(figures), operators=g) for g in groups(rng, operators)]
    return answer


def measured(rng, operators):
    both = {"latency": lambda: amount(rng, 10, 3000, "us"), "energy": lambda: amount(rng, 0.05, 20, "mJ")}
    return {"format": "kerf-profile/1", "network": "random", "source": "none",
            "operators": {o: {k: both[k]() for k in rng.choice((("latency",), ("energy",), ("latency", "energy")))}
                          for o in operators if rng.random() < rng.choice((0.2, 0.9))}}
