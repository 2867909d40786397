"""The cost model once more, from its documents: docs/cost-model.md, include/kerf/*.h.

An independent account of what a placement costs, written without a look at the C sources. It reads
device, server, link and profile files itself; of kerf it takes only a network's structure (kerf
inspect --json). Quantities are in SI units. Standard library only.
"""
import json
import math
import os
import re
from operator import le

# --- quantities --------------------------------------------------------------------------------------
PREFIX = {"": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6,
          "G": 1e9, "T": 1e12, "Ki": 2.0 ** 10, "Mi": 2.0 ** 20, "Gi": 2.0 ** 30}
BASES = ("kernel", "bit", "MAC", "min", "Hz", "s", "J", "W", "B", "b", "h", "%")
SPECIAL = {"min": 60.0, "h": 3600.0, "%": 0.01}


def unit_value(unit):
    """'mW/(Mbit/s)' -> 1e-9."""
    unit = unit.strip()
    if unit == "":
        return 1.0
    depth = 0
    for i, c in enumerate(unit):
        depth += (c == "(") - (c == ")")
        if c == "/" and depth == 0:
            return unit_value(unit[:i]) / unit_value(unit[i + 1:])
    if unit.startswith("("):
        return unit_value(unit[1:-1])
    if unit in SPECIAL:
        return SPECIAL[unit]
    for base in BASES:
        if unit.endswith(base) and unit[:-len(base)] in PREFIX:
            return PREFIX[unit[:-len(base)]] * SPECIAL.get(base, 1.0)
    raise ValueError("unit " + unit)


def quantity(text, default=None):
    if text is None:
        return default
    if isinstance(text, (int, float)):
        return float(text)
    match = re.fullmatch(r"\s*([-+0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(.*?)\s*", text)
    return float(match.group(1)) * unit_value(match.group(2))


def load(path):
    with open(path) as file:
        return json.load(file)


# --- networks ----------------------------------------------------------------------------------------
class Tensor:
    def __init__(self, json_tensor, producer=None):
        self.name = json_tensor["name"]
        self.type = json_tensor["type"]
        self.shape = json_tensor["shape"]
        self.bytes = json_tensor["bytes"]
        self.elements = math.prod(self.shape)
        self.producer = producer
        self.consumers = []
        self.is_input = self.is_output = False


FLOAT_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "float8": 1}
WIRE_BYTES = {"float32": 4, "float16": 2, "int8": 1}


class Operator:
    def __init__(self, index, json_operator):
        self.index = index
        self.name, self.type, self.cls = (json_operator[k] for k in ("name", "type", "class"))
        self.macs, self.weight_bytes = json_operator["macs"], json_operator["weight_bytes"]
        self.group = json_operator["group"]
        self.reads, self.writes, self.constants = [], [], []
        self.first_is_data = False
        shape = json_operator["outputs"][0]["shape"] if json_operator["outputs"] else []
        convolution = self.cls in ("conv", "pointwise", "depthwise") and len(shape) > 1
        self.kernels = shape[1] if convolution else 0
        self.grouped = json_operator["convolution_groups"] > 1 and self.cls != "depthwise"
        self.steps = self.macs / math.prod(shape) if convolution and math.prod(shape) else 0


class Network:
    """The data operators, in their order, and the data tensors, of kerf inspect --json."""

    def __init__(self, answer):
        self.name = answer["network"]["name"]
        self.tensors, self.operators = {}, []
        for each in answer["network"]["inputs"]:
            tensor = self.tensors[each["name"]] = Tensor(each)
            tensor.is_input = True
        self.inputs = [self.tensors[i["name"]] for i in answer["network"]["inputs"]]
        placed = [o for o in answer["operators"] if not o["constant"]]
        for i, each in enumerate(placed):
            operator = Operator(i, each)
            self.operators.append(operator)
            for output in each["outputs"]:
                tensor = self.tensors[output["name"]] = Tensor(output, operator)
                operator.writes.append(tensor)
        for operator, each in zip(self.operators, placed):
            for name in dict.fromkeys(n for n in each["inputs"] if n):
                if name in self.tensors:
                    operator.first_is_data |= name == each["inputs"][0]
                    operator.reads.append(self.tensors[name])
                    self.tensors[name].consumers.append(operator)
                else:
                    operator.constants.append(name)
        self.outputs = []
        for each in answer["network"]["outputs"]:
            if each["name"] in self.tensors:
                self.tensors[each["name"]].is_output = True
                self.outputs.append(self.tensors[each["name"]])
        groups = {}
        for operator in self.operators:
            groups.setdefault(operator.group, []).append(operator)
        self.groups = list(groups.values())
        self.position = {o: (g, i) for g, path in enumerate(self.groups) for i, o in enumerate(path)}
        self.constant_bytes = self._constant_bytes()

    def _constant_bytes(self):
        """Sizes of weights, as far as they follow from the operators' sums."""
        size, found = {}, True
        while found:
            found = False
            for operator in self.operators:
                unknown = [c for c in operator.constants if c not in size]
                if len(unknown) == 1:
                    size[unknown[0]] = operator.weight_bytes - sum(size[c] for c in operator.constants
                                                                   if c in size)
                    found = True
        return size

    def weight_bytes(self, operators):
        """Weights of some operators, each once; None where a shared weight's size does not follow."""
        total, seen = 0, set()
        for operator in operators:
            shared = [c for c in operator.constants if c in seen]
            if any(c not in self.constant_bytes for c in shared):
                return None
            total += operator.weight_bytes - sum(self.constant_bytes[c] for c in shared)
            seen.update(operator.constants)
        return total


# --- devices ------------------------------------------------------------------------------------------
class Mode:
    def __init__(self, json_mode):
        self.name = json_mode["name"]
        latency, energy = json_mode["latency"], json_mode["energy"]
        self.latency_form, self.energy_form = latency["form"], energy["form"]
        self.s_per_mac = latency["per_mac"]
        self.s_per_byte = quantity(latency.get("per_byte"), 0.0)
        self.launch_s = quantity(latency.get("launch"), 0.0)
        self.partition_s = quantity(latency.get("partition"), 0.0)
        self.J_per_mac = energy.get("per_mac", {})
        self.J_per_byte = quantity(energy.get("per_byte"), 0.0)
        self.launch_J = quantity(energy.get("launch"), 0.0)
        self.partition_J = quantity(energy.get("partition"), 0.0)
        self.J_per_kernel = quantity(energy.get("per_kernel"), 0.0)
        self.quantum = energy.get("kernel_quantum", 1)
        self.floor_J, self.exponent = quantity(energy.get("floor"), 0.0), energy.get("floor_exponent", 1)
        self.active_W = quantity(energy.get("active"), 0.0)
        self.latency_more, self.energy_more = More(latency), More(energy)
        self.idle_W = quantity(json_mode["idle"])
        if self.energy_form == "power":
            self.partition_J = self.active_W * self.partition_s

    @staticmethod
    def per_mac(table, cls):
        return quantity(table[cls] if cls in table else table["default"])


class More:
    """What a mode says of latency or energy on top of MACs, bytes and launches."""

    def __init__(self, part):
        self.step = quantity(part.get("per_step"), 0.0)
        self.grouped = quantity(part.get("grouped_launch"), 0.0)
        self.byte, self.weight = part.get("more_per_byte", {}), part.get("more_per_weight_byte", {})

    @staticmethod
    def of(table, cls):
        return quantity(table[cls] if cls in table else table.get("default"), 0.0)

    def cost(self, part, activations, weights):
        multiply = [o for o in part if o.cls in MULTIPLY]
        main = (multiply or [o for o in part if o.cls != "view"])[0]
        cost = activations * self.of(self.byte, main.cls) + self.step * sum(o.steps for o in part)
        cost += sum(size * self.of(self.weight, cls) for cls, size in weights.items())
        return cost + (self.grouped if main.grouped else 0.0)


class Device:
    def __init__(self, path):
        answer = load(path)
        self.modes = {m["name"]: Mode(m) for m in answer["modes"]}
        self.default = answer.get("default_mode", answer["modes"][0]["name"])
        self.unsupported = set(answer.get("unsupported", []))


class Profile:
    def __init__(self, path):
        answer = load(path)
        operators = answer.get("operators", {})
        self.latency = {n: quantity(o["latency"]) for n, o in operators.items() if "latency" in o}
        self.energy = {n: quantity(o["energy"]) for n, o in operators.items() if "energy" in o}
        self.groups = [(frozenset(g["operators"]), quantity(g.get("latency")), quantity(g.get("energy")))
                       for g in answer.get("groups", [])]
        self.groups.sort(key=lambda g: -len(g[0]))  # a larger one before those inside


MULTIPLY = {"conv", "pointwise", "depthwise", "fc", "matmul", "recurrent"}


class Pricer:
    """What parts of fused groups cost in one power mode."""

    def __init__(self, network, mode, profile=None):
        self.network, self.mode, self.profile = network, mode, profile
        self.prefix = [[self.part(path[:j]) for j in range(len(path) + 1)] for path in network.groups]
        self.suffix = [[self.part(path[j:]) for j in range(len(path) + 1)] for path in network.groups]

    def work(self, part):
        """MACs by class, bytes and kernels of some operators that run as one kernel."""
        macs, inside, read, kernels, traffic = {}, set(part), {}, 0, 0
        for operator in part:
            macs[operator.cls] = macs.get(operator.cls, 0) + operator.macs
            kernels += math.ceil(operator.kernels / self.mode.quantum) * self.mode.quantum
            read.update((t, t.bytes) for t in operator.reads if t.producer not in inside)
            traffic += sum(t.bytes for t in operator.writes
                           if t.is_output or any(c not in inside for c in t.consumers))
        weights = self.network.weight_bytes(part)
        if weights is None:
            weights = sum(o.weight_bytes for o in part)
        by_class = {}
        for operator in part:
            size = operator.weight_bytes
            # A table is read by rows: no more than what is delivered.
            if operator.cls == "move":
                size = min(size, sum(t.bytes for t in operator.writes))
                weights -= operator.weight_bytes - size
            by_class[operator.cls] = by_class.get(operator.cls, 0) + size
        return macs, traffic + sum(read.values()), weights, by_class, kernels

    def estimate(self, part):
        mode = self.mode
        if all(o.cls == "view" for o in part):
            return 0.0, 0.0
        macs, activations, weights, weights_by_class, kernels = self.work(part)
        traffic = activations + weights
        arithmetic = sum(n * mode.per_mac(mode.s_per_mac, c) for c, n in macs.items())
        memory = traffic * mode.s_per_byte
        latency = mode.launch_s + (max(arithmetic, memory) if mode.latency_form == "max" else arithmetic + memory)
        latency += mode.latency_more.cost(part, activations, weights_by_class)
        if mode.energy_form == "power":
            return latency, mode.active_W * latency
        joules = sum(n * mode.per_mac(mode.J_per_mac, c) for c, n in macs.items())
        if mode.energy_form == "mac-kernels":
            if not MULTIPLY.intersection(macs):
                joules += traffic * mode.J_per_byte
            return latency, mode.launch_J + joules + mode.J_per_kernel * kernels
        energy = mode.launch_J + joules + traffic * mode.J_per_byte
        energy += mode.energy_more.cost(part, activations, weights_by_class)
        if mode.energy_form == "floor":
            p = mode.exponent
            top = max(mode.floor_J, energy)
            energy = top * ((mode.floor_J / top) ** p + (energy / top) ** p) ** (1 / p) if top > 0 else 0.0
        return latency, energy

    def measured(self, operator):
        """Measured latency and energy of one operator, None where there is none."""
        if self.profile is None:
            return None, None
        latency, energy = (f.get(operator.name) for f in (self.profile.latency, self.profile.energy))
        if energy is None and latency is not None and self.mode.energy_form == "power":
            energy = self.mode.active_W * latency
        return latency, energy

    def part(self, part):
        if not part:
            return 0.0, 0.0
        estimate, cost = self.estimate(part), []
        for i in range(2):
            known = [o for o in part if self.measured(o)[i] is not None]
            value = sum(self.measured(o)[i] for o in known)
            rest = estimate[i] - (self.estimate(known)[i] if known else 0.0)
            cost.append(value + max(0.0, rest))
        return tuple(cost)


    def group_figure(self, group, figure):
        """What was measured of a group, None for nothing: 0 latency, 1 energy."""
        _, latency, energy = group
        if figure == 1 and energy is None and latency is not None and self.mode.energy_form == "power":
            return self.mode.active_W * latency
        return latency if figure == 0 else energy

    def together(self, operators):
        """Latency and energy of all operators of one side, with the profile's groups."""
        groups, cost = self.profile.groups, []
        names = {o.name for o in self.network.operators}
        for figure in range(2):
            value, done = 0.0, set()
            here = {o.name for o in operators}
            for group in groups:
                members = group[0] & names  # others depend on no input
                known = self.group_figure(group, figure)
                if members and known is not None and members <= here and not members & done:
                    value += known
                    done |= members
            for path in self.network.groups:
                run, inside = [], None
                for operator in [*path, None]:
                    of = operator and frozenset(i for i, g in enumerate(groups) if operator.name in g[0])
                    fits = operator and operator.name in here and operator.name not in done
                    if run and (not fits or of != inside):
                        value += self.part(run)[figure]
                        run = []
                    if fits:
                        run, inside = run + [operator], of
            cost.append(value)
        return tuple(cost)


# --- links --------------------------------------------------------------------------------------------
class Link:
    def __init__(self, path):
        answer = load(path)
        radio, sources = answer.get("radio", {}), answer.get("from", {})
        folder = os.path.dirname(path)
        self.rate = [quantity(answer.get("uplink")), quantity(answer.get("downlink"))]
        self.rtt, self.loss = quantity(answer.get("rtt")), quantity(answer.get("loss"))
        self.active = [self._active(radio.get("uplink", {})), self._active(radio.get("downlink", {}))]
        for way, key in enumerate(("iperf3_uplink", "iperf3_downlink")):
            if key in sources and self.rate[way] is None:
                self.rate[way] = load(os.path.join(folder, sources[key]))["end"]["sum_received"]["bits_per_second"]
        if "ping" in sources:
            with open(os.path.join(folder, sources["ping"])) as file:
                log = file.read()
            if self.rtt is None:
                self.rtt = float(re.search(r"= [0-9.]+/([0-9.]+)/", log).group(1)) * 1e-3
            if self.loss is None:
                self.loss = float(re.search(r"([0-9.]+)% packet loss", log).group(1)) / 100
        if "shannon" in sources:
            s = {k: quantity(v) for k, v in sources["shannon"].items()}
            if self.rate[0] is None:
                self.rate[0] = s["bandwidth"] * math.log2(1 + s["transmit_power"] * s["gain"] / s["noise"])
            if "uplink" not in radio:
                self.active[0] = (0.0, s["transmit_power"])
        self.loss = self.loss or 0.0
        self.mss = quantity(answer.get("mss"), 1448.0)
        self.window = quantity(answer.get("initial_window"),
                               min(10 * self.mss, max(2 * self.mss, 14600.0)))
        self.overhead = quantity(answer.get("overhead"), 0.0)
        self.message = quantity(answer.get("message_bytes"), 0.0)
        self.connection = answer.get("connection", "cold")
        self.gap = quantity(answer.get("gap"), 0.0)
        self.idle_W = quantity(radio.get("idle"), 0.0)
        for phase in ("promotion", "switch", "tail"):
            setattr(self, phase, tuple(quantity(radio.get(phase, {}).get(k), 0.0) for k in ("time", "power")))

    @staticmethod
    def _active(radio):
        """alpha in W per bit/s, and beta in W."""
        if "cross_factor" in radio:
            c = {k: quantity(v) for k, v in radio["cross_factor"].items()}
            return c["airtime_power"] / c["air_rate"] + c["frame_energy"] / (8 * c["frame_size"]), 0.0
        if "active" in radio:
            return 0.0, quantity(radio["active"])
        return quantity(radio.get("slope"), 0.0), quantity(radio.get("constant"), 0.0)

    def override(self, **fields):
        if "uplink" in fields:
            self.rate[0] = fields["uplink"]
        if "downlink" in fields:
            self.rate[1] = fields["downlink"]
        for key in ("rtt", "loss", "connection", "gap"):
            if key in fields:
                setattr(self, key, fields[key])

    def size(self, payload):
        return payload * (1 + self.overhead) + self.message

    def effective_rate(self, way):
        if self.loss == 0 or self.rtt == 0:
            return self.rate[way]
        p = self.loss
        f = math.sqrt(2 * p / 3) + 12 * math.sqrt(3 * p / 8) * (p + 32 * p ** 3)
        return min(self.rate[way], 8 * self.mss / (self.rtt * f))

    def radio_sleeps(self):
        return self.connection != "warm" and (self.gap == 0 or self.gap >= self.tail[0])

    def transfer(self, way, payload):
        """Seconds, and joules of the active radio."""
        if payload == 0:
            return 0.0, 0.0
        size, rate, rtt = self.size(payload), self.effective_rate(way) / 8, self.rtt
        wake = self.promotion[0] + self.switch[0] if way == 0 and self.radio_sleeps() else 0.0
        handshake = rtt if way == 0 and self.connection == "new" else 0.0
        if self.connection == "warm" or rate * rtt <= self.window * math.log(2):
            flow = size / rate
        else:
            knee = rate * rtt / math.log(2) - self.window
            flow = rtt * math.log2(1 + min(size, knee) / self.window) + max(0.0, size - knee) / rate
        active = handshake + rtt / 2 + flow
        alpha, beta = self.active[way]
        return wake + active, alpha * 8 * size + beta * active

    def occupancy_s(self, way, payload):
        return 8 * self.size(payload) / self.effective_rate(way) if payload > 0 else 0.0

    def fixed_J(self):
        tail_s = min(self.tail[0], self.gap) if self.gap > 0 else self.tail[0]
        wake = sum(t * w for t, w in (self.promotion, self.switch)) if self.radio_sleeps() else 0.0
        return wake + self.tail[1] * tail_s


# --- placements ---------------------------------------------------------------------------------------
class Sums:
    """What a placement adds up to, before the link's rate and the objective come in."""
    __slots__ = ("mask", "device_s", "device_J", "server_s", "server_J", "up", "down")

    def __init__(self, mask, device_s, device_J, server_s, server_J, up, down):
        self.mask, self.up, self.down = mask, up, down
        self.device_s, self.device_J, self.server_s, self.server_J = device_s, device_J, server_s, server_J


class Scene:
    """A question: everything but the placement. A placement is the set of the device's operators, as
    bits by their index."""

    def __init__(self, network, device, server, link, mode=None, device_profile=None, server_profile=None,
                 wire="own", input_size=None, result="device", server_load=0.0, objective="energy",
                 weights=(0.0, 0.0), encoding=None):
        self.encoding = encoding or {}
        if encoding:
            wire = encoding.get("type", "own")
        self.network, self.link, self.result, self.wire = network, link, result, wire
        self.mode = device.modes[mode or device.default]
        self.server_mode = server.modes[server.default]
        self.here = Pricer(network, self.mode, device_profile)
        self.there = Pricer(network, self.server_mode, server_profile)
        self.unsupported = (device.unsupported, server.unsupported)
        self.input_size, self.load = input_size, server_load
        self.objective, self.weights = objective, weights
        self.full = (1 << len(network.operators)) - 1

    def wire_bytes(self, tensor):
        if tensor.is_input:
            if self.input_size is None:
                return float(tensor.bytes)
            return self.input_size * tensor.bytes / sum(t.bytes for t in self.network.inputs)
        ratio = self.encoding.get("ratio", 1)
        if self.wire == "own" or tensor.type not in FLOAT_BYTES:
            return tensor.bytes * ratio
        return tensor.elements * min(WIRE_BYTES[self.wire], FLOAT_BYTES[tensor.type]) * ratio

    def coded(self, tensor):
        """Bytes that are packed on one side and unpacked on the other when the tensor crosses."""
        as_it_is = tensor.is_input or (self.wire != "own" and self.wire_bytes(tensor) >= tensor.bytes)
        return 0 if as_it_is else tensor.bytes

    def on_device(self, mask, operator):
        return operator is None or bool(mask >> operator.index & 1)

    def crosses(self, mask, tensor):
        if not self.on_device(mask, tensor.producer):
            return False
        return (any(not self.on_device(mask, c) for c in tensor.consumers)
                or (self.result == "server" and tensor.is_output))

    def comes_back(self, mask, tensor):
        return self.result == "device" and tensor.is_output and not self.on_device(mask, tensor.producer)

    def cut(self, mask):
        return [t for t in self.network.tensors.values() if self.crosses(mask, t)]

    def closed(self, mask):
        """Nothing flows back."""
        return all(self.on_device(mask, t.producer) or not any(self.on_device(mask, c) for c in t.consumers)
                   for t in self.network.tensors.values())

    def sums(self, mask):
        network = self.network
        device_s = device_J = server_s = server_J = 0.0
        if mask:
            device_s, device_J = self.mode.partition_s, self.mode.partition_J
        if mask != self.full:
            server_s, server_J = self.server_mode.partition_s, self.server_mode.partition_J
        for pricer, here in ((self.here, True), (self.there, False)):
            if pricer.profile is None or not pricer.profile.groups:
                continue
            s, joules = pricer.together([o for o in network.operators if self.on_device(mask, o) == here])
            if here:
                device_s, device_J = device_s + s, device_J + joules
            else:
                server_s, server_J = server_s + s, server_J + joules
        for g, path in enumerate(network.groups):
            j = sum(self.on_device(mask, o) for o in path)
            if self.here.profile is None or not self.here.profile.groups:
                s, joules = self.here.prefix[g][j]
                device_s, device_J = device_s + s, device_J + joules
            if self.there.profile is None or not self.there.profile.groups:
                s, joules = self.there.suffix[g][j]
                server_s, server_J = server_s + s, server_J + joules
        up = sum(self.wire_bytes(t) for t in self.cut(mask))
        down = sum(self.wire_bytes(t) for t in network.tensors.values() if self.comes_back(mask, t))
        coded = sum(map(self.coded, self.cut(mask)))
        coded += sum(self.coded(t) for t in network.tensors.values() if self.comes_back(mask, t))
        per_byte = [quantity(self.encoding.get(k), 0.0)
                    for k in ("device_time", "device_energy", "server_time", "server_energy")]
        return Sums(mask, device_s + coded * per_byte[0], device_J + coded * per_byte[1],
                    server_s + coded * per_byte[2], server_J + coded * per_byte[3], up, down)

    def special(self):
        """Sums that are not one operator's after the other's."""
        return bool(self.encoding) or any(p.profile is not None and p.profile.groups for p in (self.here, self.there))

    def buffers(self):
        """Tensors that share memory: those of a fused group, and a view with its input."""
        home = {t: t for t in self.network.inputs}
        for operator in self.network.operators:
            whole = len(self.network.groups[self.network.position[operator][0]]) > 1
            for i, tensor in enumerate(operator.writes):
                if operator.cls == "view" and i == 0 and operator.reads and operator.first_is_data:
                    home[tensor] = home[operator.reads[0]]
                else:
                    home[tensor] = operator.group if whole else tensor
        shared = {}
        for tensor, where in home.items():
            if tensor.consumers or tensor.is_output:
                shared.setdefault(where, []).append(tensor)
        return shared.values()

    def memory(self, mask):
        """Weights and peak activations of the device's part; None where a shared weight's size is not
        known. A buffer is as large as the largest tensor that it ever holds."""
        network, end = self.network, len(self.network.operators)
        device = [o for o in network.operators if self.on_device(mask, o)]
        weights = network.weight_bytes(device)
        if weights is None:
            return None
        alive = [0] * (end + 2)  # at the start, at each operator, at the end
        for tensors in self.buffers():
            here = [t for t in tensors if self.on_device(mask, t.producer)]
            if not here:
                continue
            first = min(-1 if t.producer is None else t.producer.index for t in here)
            last = max([first] + [c.index for t in here for c in t.consumers])
            if any(t.is_output or self.crosses(mask, t) for t in here):
                last = end
            for step in range(first, last + 1):
                alive[step + 1] += max(t.bytes for t in tensors)
        return weights + max([alive[0]] + [alive[o.index + 1] for o in device])

    def cost(self, sums):
        """The fields of kerf plan --json's cost, flat."""
        link, server_s = self.link, sums.server_s / (1 - self.load)
        (up_s, up_J), (down_s, down_J) = link.transfer(0, sums.up), link.transfer(1, sums.down)
        c = {"device_s": sums.device_s, "server_s": server_s, "uplink_s": up_s, "downlink_s": down_s,
             "compute_J": sums.device_J, "uplink_J": up_J, "downlink_J": down_J,
             "radio_fixed_J": link.fixed_J() if sums.up > 0 or sums.down > 0 else 0.0,
             "server_energy_J": sums.server_J, "uplink_bytes": sums.up, "downlink_bytes": sums.down}
        waiting = c["uplink_s"] + (0.0 if self.result == "server" else server_s + c["downlink_s"])
        c["wait_J"] = (self.mode.idle_W + link.idle_W) * waiting
        c["latency_s"] = c["device_s"] + c["uplink_s"] + c["server_s"] + c["downlink_s"]
        c["device_energy_J"] = sum(c[k] for k in ("compute_J", "uplink_J", "wait_J", "downlink_J", "radio_fixed_J"))
        stage = max(sums.device_s, link.occupancy_s(0, sums.up), server_s, link.occupancy_s(1, sums.down))
        c["throughput_per_s"] = 1 / stage if stage > 0 else math.inf
        energy, latency = c["device_energy_J"], c["latency_s"]
        c["objective"] = {"energy": energy, "latency": latency, "throughput": c["throughput_per_s"],
                          "edp": energy * latency, "total-energy": energy + sums.server_J,
                          "weighted": self.weights[0] * energy + self.weights[1] * latency}[self.objective]
        return c

    def loss_of(self, sums):
        """The objective as something to make small."""
        value = self.cost(sums)["objective"]
        return 1 / value if self.objective == "throughput" else value

    @staticmethod
    def undominated(candidates):
        """Those that no other beats in every sum: the best is among them, whatever the link and the
        objective, as no cost falls while a sum grows."""
        kept = []
        for s in sorted(candidates, key=lambda s: (s.up, s.down, s.device_s + s.server_s)):
            key = (s.up, s.down, s.device_s, s.device_J, s.server_s, s.server_J)
            if not any(all(map(le, other, key)) for other, _ in kept):
                kept.append((key, s))
        return [s for _, s in kept]

    def prefixes(self):
        """Every cut of the operators' order."""
        for k in range(len(self.network.operators) + 1):
            yield (1 << k) - 1

    def ideals(self, limit):
        """Sums of every placement, each from a neighbour's; None if there are more than limit."""
        network = self.network
        producers = [0] * len(network.operators)
        for operator in network.operators:
            for tensor in operator.reads:
                if tensor.producer is not None:
                    producers[operator.index] |= 1 << tensor.producer.index
        readers = {t: sum(1 << c.index for c in t.consumers) for t in network.tensors.values()}
        wire = {t: self.wire_bytes(t) for t in network.tensors.values()}
        at_server = self.result == "server"

        def step(old, operator):
            g, j = network.position[operator]
            mask = old.mask | 1 << operator.index
            if self.special():
                new = self.sums(mask)
                if mask == self.full:
                    new.server_s, new.server_J = new.server_s + self.server_mode.partition_s, \
                        new.server_J + self.server_mode.partition_J
                return new
            a, b = self.here.prefix[g][j], self.here.prefix[g][j + 1]
            c, d = self.there.suffix[g][j], self.there.suffix[g][j + 1]
            up, down = old.up, old.down
            for t in operator.writes:
                if readers[t] or (at_server and t.is_output):
                    up += wire[t]
                if t.is_output and not at_server:
                    down -= wire[t]
            for t in operator.reads:
                if not readers[t] & ~mask and not (at_server and t.is_output):
                    up -= wire[t]
            return Sums(mask, old.device_s + b[0] - a[0], old.device_J + b[1] - a[1],
                        old.server_s + d[0] - c[0], old.server_J + d[1] - c[1], up, down)

        start = self.sums(0)
        start.device_s, start.device_J = self.mode.partition_s, self.mode.partition_J
        seen, front = {0: start}, [start]
        while front:
            new = []
            for old in front:
                for operator in network.operators:
                    bit = 1 << operator.index
                    if old.mask & bit or producers[operator.index] & ~old.mask or old.mask | bit in seen:
                        continue
                    seen[old.mask | bit] = after = step(old, operator)
                    new.append(after)
                    if len(seen) > limit:
                        return None
            front = new
        seen[0] = self.sums(0)
        seen[self.full] = self.sums(self.full)
        return list(seen.values())
