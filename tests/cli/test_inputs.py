"""Bad input: always one clear line, the right exit status, nothing printed."""
import os
import tempfile

import tap
from tap import fails, kerf, check

SCENE = ["--device", "board", "--server", "box", "--link", "plain"]
folder = tempfile.TemporaryDirectory()


def write(name, content):
    path = os.path.join(folder.name, name)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


def read(name):
    with open(os.path.join(tap.DATA, name)) as file:
        return file.read()


def changed(name, old, new):
    text = read(name)
    assert old in text, old
    return text.replace(old, new, 1)


def network(name, content, *texts, status=1, where=True):
    path = write(name, content)
    for command in (["plan", path, *SCENE], ["inspect", path]):
        fails("%s: %s" % (command[0], name), status, command, *([path] if where else []), *texts)


CHAIN = "networks/chain.json"
network("empty.json", "", "empty")
network("empty.onnx", b"", "empty")
network("garbage.onnx", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
network("text.onnx", "hello, world")
# A graph that holds nothing but its name; one with a node, and no outputs.
network("nothing.onnx", b"\x08\x08\x3a\x03\x12\x01g", "has no operators, expected at least one")
network("no-outputs.onnx", b"\x08\x08\x3a\x22\x0a\x10\x0a\x01x\x12\x01y\x1a\x02r0\x22\x04Relu\x12\x01g"
        b"\x5a\x0b\x0a\x01x\x12\x06\x0a\x04\x08\x01\x12\x00", "has no outputs, expected at least one")
network("truncated.json", read(CHAIN)[:400], ":")
network("array.json", "[]", "object")
network("no-format.json", "{}", "format")
network("other-format.json", '{"format": "kerf-link/1"}', "kerf-network/1")
network("future.json", changed(CHAIN, "kerf-network/1", "kerf-network/9"), "kerf-network/1")
network("unknown-key.json", changed(CHAIN, '"outputs": ["t1"]', '"outpust": ["t1"], "outputs": ["t1"]'),
        "/operators/0/outpust", "unknown key")
network("duplicate-key.json", changed(CHAIN, '"name": "chain"', '"name": "a", "name": "chain"'), "duplicate")
network("nan.json", changed(CHAIN, "2.0e8", "NaN"), ":")
network("infinity.json", changed(CHAIN, "2.0e8", "1e999"))
network("negative-macs.json", changed(CHAIN, "2.0e8", "-1"), "/operators/5")
network("negative-dimension.json", changed(CHAIN, "[1, 3, 64, 64]", "[1, -3, 64, 64]"), "/inputs/0")
network("overflow.json", changed(CHAIN, "[1, 3, 64, 64]", "[4000000000, 4000000000, 4000000000, 64]"))
network("no-type.json", changed(CHAIN, '"type": "Relu", ', ""), "type")
network("unknown-type.json", changed(CHAIN, '"type": "float32"', '"type": "float33"'), "float33")
network("missing-input.json", changed(CHAIN, '"inputs": ["t2"]', '"inputs": ["t99"]'), "t99")
network("two-producers.json", changed(CHAIN, '"outputs": ["t2"]', '"outputs": ["t1"]'), "t1")
network("cycle.json", changed(CHAIN, '"inputs": ["image"], "outputs": ["t1"]', '"inputs": ["t5"], "outputs": ["t1"]'),
        "cycle")
network("no-such-output.json", changed(CHAIN, '"outputs": ["scores"]\n}', '"outputs": ["score"]\n}'), "score")
network("two-of-a-name.json", changed(CHAIN, '"relu2"', '"relu1"'), "relu1")
network("escapes.json", changed(CHAIN, '"type": "Relu"', '"type": "Re\u009b31m\u202elu\\u001b"'), "Re 31m lu ")
network("mark.json", b"\xef\xbb\xbf" + read(CHAIN).encode(), "1:1", "byte order mark")
network("utf-16.json", read(CHAIN).encode("utf-16"), "1:1", "UTF-16", "expected UTF-8")
network("utf-16-bare.json", read(CHAIN).encode("utf-16-be"), "1:1", "expected UTF-8")
network("zero-byte.json", changed(CHAIN, '"chain"', '"ch\\u0000in"'), ":", "u0000")
network("deep.json", '{"notes": ' + "[" * 5000 + "]" * 5000 + "}")
fails("a directory as a network", 1, ["plan", folder.name, *SCENE], folder.name)
fails("a directory as a device", 1, ["plan", "chain", "--device", folder.name, *SCENE[2:]], folder.name)
fails("a device file as a network", 1, ["inspect", os.path.join(tap.DATA, "devices/board.json")], "kerf-network/1")
fails("/dev/zero as a network", 1, ["inspect", "/dev/zero"], "/dev/zero")
if os.geteuid() != 0:
    path = write("secret.json", "{}")
    os.chmod(path, 0)
    fails("an unreadable file", 1, ["inspect", path], "Permission denied")
else:
    tap.skip("an unreadable file", "root reads everything")


def part(kind, option, name, content, *texts):
    path = write(name, content)
    scene = dict(zip(SCENE[::2], SCENE[1::2]))
    scene[option] = path
    fails("%s: %s" % (kind, name), 1, ["plan", "chain", *[w for p in scene.items() for w in p]], path, *texts)


BOARD, PLAIN, PROFILE = "devices/board.json", "links/plain.json", "profiles/chain.json"
part("device", "--device", "device-no-unit.json", changed(BOARD, '"1 ns/B"', '"1"'), "/modes/0/latency/per_byte")
part("device", "--device", "device-number.json", changed(BOARD, '"1 ns/B"', "1e-9"), "/modes/0/latency/per_byte")
part("device", "--device", "device-wrong-unit.json", changed(BOARD, '"1 ns/B"', '"1 J"'), "/modes/0/latency/per_byte")
part("device", "--device", "device-negative.json", changed(BOARD, '"1 ns/B"', '"-1 ns/B"'), "/modes/0/latency/per_byte")
part("device", "--device", "device-nan.json", changed(BOARD, '"1 ns/B"', '"nan ns/B"'), "/modes/0/latency/per_byte")
part("device", "--device", "device-infinite.json", changed(BOARD, '"1 ns/B"', '"inf ns/B"'), "/modes/0/latency/per_byte")
part("device", "--device", "device-huge.json", changed(BOARD, '"1 ns/B"', '"1e300 s/B"'), "/modes/0/latency/per_byte",
     "out of range", "1e-30 to 1e+30")
part("device", "--device", "device-tiny.json", changed(BOARD, '"1 ns/B"', '"1e-300 s/B"'), "/modes/0/latency/per_byte",
     "out of range")
part("device", "--device", "device-typo.json", changed(BOARD, '"idle"', '"idel"'), "/modes/0", "idle")
part("device", "--device", "device-no-modes.json", '{"format": "kerf-device/1", "name": "x"}')
part("device", "--device", "device-truncated.json", read(BOARD)[:300], ":")
part("server", "--server", "server-typo.json", changed("servers/box.json", '"active"', '"activ"'), "/modes/0/energy")
part("link", "--link", "link-no-unit.json", changed(PLAIN, '"20 Mbit/s"', '"20"'), "/uplink")
part("link", "--link", "link-zero-rate.json", changed(PLAIN, '"20 Mbit/s"', '"0 Mbit/s"'), "uplink")
part("link", "--link", "link-typo.json", changed(PLAIN, '"rtt"', '"rrt"'), "rtt")
part("profile", "--device-profile", "profile-unknown-operator.json", changed(PROFILE, '"conv2"', '"conv7"'), "conv7")
part("profile", "--device-profile", "profile-no-unit.json", changed(PROFILE, '"3 ms"', '"3"'), "/operators/conv2/latency")
part("profile", "--server-profile", "profile-empty.json", "", "empty")

# What is in order stays in order: "notes" may hold anything.
path = write("notes.json", changed(CHAIN, '"outputs": ["scores"]\n}',
                                   '"outputs": ["scores"], "notes": {"anything": [1, {"x": null}]}\n}'))
status, out, err = kerf("plan", path, *SCENE)
check("notes may hold anything", status == 0 and err == "", err)
path = write("colourful.json", changed(CHAIN, '"chain"', '"c\\u001b[31mh\\u009b1mn"')
             .replace('"pool1"', '"p\\u001b[31mo\\u009b1ml"'))
for text, *command in (("c?[31mh?1mn", "inspect", path), ("p?[31mo?1ml", "inspect", path, "--device", "board"),
                       ("p?[31mo?1ml", "plan", path, *SCENE), ("c?[31mh?1mn", "plan", path, *SCENE, "--max-bytes", "1 B")):
    status, out, err = kerf(*command)
    check("%s: a name drives no terminal" % command[0], status == 0 and text in out and
          not set("\x1b\x9b") & set(out), (out, err))
path = write("odd name \x1b[31m.json", read(CHAIN))
status, out, err = kerf("plan", path, *SCENE, "--json")
check("a file of an odd name is read", status == 0, err)
folder.cleanup()
tap.done()
