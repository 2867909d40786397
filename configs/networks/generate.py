#!/usr/bin/env python3
"""Writes the bundled networks: one function per architecture, from the papers that they cite.

    configs/networks/generate.py [FOLDER]        default: the folder of this script

Operators and attributes are ONNX's. Weights are not listed: they follow from out_channels,
out_features, num_embeddings and the like (configs/schema/network.json says how). Each operator
writes one tensor of its own name. Batch normalization and activations stand on their own, as
training frameworks have them; the planner fuses them.
"""
import json
import os
import sys

NETWORKS = {}


def network(name):
    """Registers the function that builds network `name`."""
    def register(build):
        NETWORKS[name] = build
        return build
    return register


class Net:
    """A network while it is written; every method returns the name of the tensor it makes."""

    def __init__(self, source, **notes):
        self.source, self.notes = source, notes
        self.inputs, self.constants, self.operators, self.outputs = [], [], [], []

    def input(self, name, shape, kind="float32"):
        self.inputs.append({"name": name, "shape": ["batch"] + shape, "type": kind})
        return name

    def constant(self, name, shape, kind="float32", values=None):
        entry = {"name": name, "shape": shape, "type": kind}
        if values is not None:
            entry["values"] = values
        self.constants.append(entry)
        return name

    def op(self, kind, name, inputs, outputs=None, **attributes):
        if isinstance(inputs, str):
            inputs = [inputs]
        entry = {"name": name, "type": kind, "inputs": inputs, "outputs": outputs or [name]}
        if attributes:
            entry["attributes"] = attributes
        self.operators.append(entry)
        return name

    def output(self, *names):
        self.outputs += names
        return self

    def conv(self, name, x, channels, kernel=1, stride=1, pad=None, group=1, bias=False):
        """A convolution; `pad` defaults to keeping the size at stride 1."""
        kernel = [kernel, kernel] if isinstance(kernel, int) else kernel
        if pad is None:
            pad = [k // 2 for k in kernel]
        elif isinstance(pad, int):
            pad = [pad, pad]
        attributes = {"out_channels": channels, "kernel_shape": kernel}
        if stride != 1:
            attributes["strides"] = [stride, stride]
        if any(pad):
            attributes["pads"] = pad + pad
        if group != 1:
            attributes["group"] = group
        if bias:
            attributes["bias"] = True
        return self.op("Conv", name, x, **attributes)

    def conv_bn(self, x, conv, bn, act, channels, *args, relu="Relu", **kwargs):
        """Convolution, batch normalization and activation, under the names given."""
        x = self.conv(conv, x, channels, *args, **kwargs)
        x = self.op("BatchNormalization", bn, x)
        return self.activation(relu, act, x) if act else x

    def activation(self, kind, name, x):
        if kind == "Relu6":
            return self.op("Clip", name, x, min=0, max=6)
        if kind == "Silu":
            gate = self.op("Sigmoid", name + ".sigmoid", x)
            return self.op("Mul", name, [x, gate])
        if kind == "LeakyRelu":
            return self.op("LeakyRelu", name, x, alpha=0.1)
        return self.op(kind, name, x)

    def max_pool(self, name, x, kernel, stride, pad=0, ceil=False):
        attributes = {"kernel_shape": [kernel, kernel], "strides": [stride, stride]}
        if pad:
            attributes["pads"] = [pad] * 4
        if ceil:
            attributes["ceil_mode"] = True
        return self.op("MaxPool", name, x, **attributes)

    def fc(self, name, x, features):
        return self.op("Gemm", name, x, out_features=features, bias=True)

    def linear(self, name, x, features):
        """A fully connected layer on the last axis: ONNX has it as a product and a sum."""
        x = self.op("MatMul", name, x, out_features=features)
        return self.op("Add", name + ".add_bias", x, constant_shape=[features])

    def head(self, x, name, classes=1000):
        x = self.op("GlobalAveragePool", "avgpool", x)
        x = self.op("Flatten", "flatten", x)
        return self.fc(name, x, classes)

    def write(self, name, path):
        def rows(entries):
            return "[\n" + ",\n".join("    " + json.dumps(e) for e in entries) + "\n  ]"
        parts = [("$schema", '"../schema/network.json"'), ("format", '"kerf-network/1"'),
                 ("name", json.dumps(name)), ("source", json.dumps(self.source)),
                 ("notes", json.dumps(self.notes)), ("inputs", rows(self.inputs))]
        if self.constants:
            parts.append(("constants", rows(self.constants)))
        parts += [("operators", rows(self.operators)), ("outputs", json.dumps(self.outputs))]
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write("{\n" + ",\n".join(f'  "{k}": {v}' for k, v in parts) + "\n}\n")


@network("alexnet")
def alexnet():
    net = Net("Krizhevsky, One weird trick for parallelizing convolutional neural networks, "
              "arXiv:1404.5997, 2014, as torchvision has it: one tower, no groups, no local "
              "response normalization",
              published_macs="0.714 G (torchvision)", published_parameters="61100840 (torchvision)")
    x = net.input("input", [3, 224, 224])
    layers = [(64, 11, 4, 2, True), (192, 5, 1, 2, True), (384, 3, 1, 1, False),
              (256, 3, 1, 1, False), (256, 3, 1, 1, True)]
    index = 0
    for channels, kernel, stride, pad, pool in layers:
        x = net.conv(f"features.{index}", x, channels, kernel, stride, pad, bias=True)
        x = net.op("Relu", f"features.{index + 1}", x)
        index += 2
        if pool:
            x = net.max_pool(f"features.{index}", x, 3, 2)
            index += 1
    x = net.op("Flatten", "flatten", x)
    for index in (1, 4):
        x = net.fc(f"classifier.{index}", x, 4096)
        x = net.op("Relu", f"classifier.{index + 1}", x)
    return net.output(net.fc("classifier.6", x, 1000))


def vgg(stages, **published):
    net = Net("Simonyan, Zisserman, Very deep convolutional networks for large-scale image "
              "recognition, arXiv:1409.1556, 2014", **published)
    x = net.input("input", [3, 224, 224])
    index = 0
    for channels, layers in stages:
        for _ in range(layers):
            x = net.conv(f"features.{index}", x, channels, 3, bias=True)
            x = net.op("Relu", f"features.{index + 1}", x)
            index += 2
        x = net.max_pool(f"features.{index}", x, 2, 2)
        index += 1
    x = net.op("Flatten", "flatten", x)
    for index in (0, 3):
        x = net.fc(f"classifier.{index}", x, 4096)
        x = net.op("Relu", f"classifier.{index + 1}", x)
    return net.output(net.fc("classifier.6", x, 1000))


@network("vgg16")
def vgg16():
    return vgg([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)],
               published_macs="15.47 G (torchvision)",
               published_parameters="138357544 (torchvision)")


@network("vgg19")
def vgg19():
    return vgg([(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)],
               published_macs="19.632 G (torchvision)",
               published_parameters="143667240 (torchvision)")


def basic_block(net, x, name, channels, stride, _):
    out = net.conv_bn(x, f"{name}.conv1", f"{name}.bn1", f"{name}.relu1", channels, 3, stride)
    return net.conv_bn(out, f"{name}.conv2", f"{name}.bn2", None, channels, 3)


def bottleneck(net, x, name, channels, stride, _):
    out = net.conv_bn(x, f"{name}.conv1", f"{name}.bn1", f"{name}.relu1", channels)
    out = net.conv_bn(out, f"{name}.conv2", f"{name}.bn2", f"{name}.relu2", channels, 3, stride)
    return net.conv_bn(out, f"{name}.conv3", f"{name}.bn3", None, 4 * channels)


def resnet(block, expansion, layers, **published):
    net = Net("He et al., Deep residual learning for image recognition, arXiv:1512.03385, 2015"
              + ("; a bottleneck's stride is on its 3x3 convolution, as torchvision has it"
                 if block is bottleneck else ""), **published)
    x = net.input("input", [3, 224, 224])
    x = net.conv_bn(x, "conv1", "bn1", "relu", 64, 7, 2)
    x = net.max_pool("maxpool", x, 3, 2, 1)
    width = 64
    for stage, count in enumerate(layers):
        channels = 64 << stage
        for i in range(count):
            name, stride = f"layer{stage + 1}.{i}", 2 if stage > 0 and i == 0 else 1
            out, shortcut = block(net, x, name, channels, stride, width), x
            if stride != 1 or width != channels * expansion:
                shortcut = net.conv_bn(x, f"{name}.downsample.0", f"{name}.downsample.1", None,
                                       channels * expansion, 1, stride)
            x = net.op("Add", f"{name}.add", [out, shortcut])
            x = net.op("Relu", f"{name}.relu", x)
            width = channels * expansion
    return net.output(net.head(x, "fc"))


@network("resnet18")
def resnet18():
    return resnet(basic_block, 1, [2, 2, 2, 2], published_macs="1.814 G (torchvision)",
                  published_parameters="11689512 (torchvision)")


@network("resnet50")
def resnet50():
    return resnet(bottleneck, 4, [3, 4, 6, 3], published_macs="4.089 G (torchvision)",
                  published_parameters="25557032 (torchvision)")


@network("mobilenetv1")
def mobilenetv1():
    net = Net("Howard et al., MobileNets: efficient convolutional neural networks for mobile "
              "vision applications, arXiv:1704.04861, 2017",
              published_macs="569 M (paper)",
              published_parameters="4253864 with moving statistics (Keras); 4.2 M (paper)")
    x = net.input("input", [3, 224, 224])
    x = net.conv_bn(x, "conv1", "conv1.bn", "conv1.relu", 32, 3, 2)
    layers = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1),
              (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)]
    width = 32
    for i, (channels, stride) in enumerate(layers):
        name = f"conv{i + 2}"
        x = net.conv_bn(x, f"{name}.dw", f"{name}.dw.bn", f"{name}.dw.relu", width, 3, stride,
                        group=width)
        x = net.conv_bn(x, f"{name}.pw", f"{name}.pw.bn", f"{name}.pw.relu", channels)
        width = channels
    return net.output(net.head(x, "fc"))


@network("mobilenetv2")
def mobilenetv2():
    net = Net("Sandler et al., MobileNetV2: inverted residuals and linear bottlenecks, "
              "arXiv:1801.04381, 2018",
              published_macs="0.301 G (torchvision); 300 M (paper)",
              published_parameters="3538984 with moving statistics (Keras); 3504872 without "
                                   "(torchvision)")
    x = net.input("input", [3, 224, 224])
    x = net.conv_bn(x, "features.0.0", "features.0.1", "features.0.2", 32, 3, 2, relu="Relu6")
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
              (6, 160, 3, 2), (6, 320, 1, 1)]
    width, index = 32, 1
    for expansion, channels, count, first_stride in stages:
        for i in range(count):
            name, stride, inner, part = (f"features.{index}.conv", first_stride if i == 0 else 1,
                                         width * expansion, 0)
            out = x
            if expansion != 1:
                out = net.conv_bn(out, f"{name}.0.0", f"{name}.0.1", f"{name}.0.2", inner,
                                  relu="Relu6")
                part = 1
            out = net.conv_bn(out, f"{name}.{part}.0", f"{name}.{part}.1", f"{name}.{part}.2",
                              inner, 3, stride, group=inner, relu="Relu6")
            out = net.conv_bn(out, f"{name}.{part + 1}", f"{name}.{part + 2}", None, channels)
            if stride == 1 and width == channels:
                out = net.op("Add", f"features.{index}.add", [x, out])
            x, width, index = out, channels, index + 1
    x = net.conv_bn(x, "features.18.0", "features.18.1", "features.18.2", 1280, relu="Relu6")
    return net.output(net.head(x, "classifier.1"))


@network("densenet121")
def densenet121():
    net = Net("Huang et al., Densely connected convolutional networks, arXiv:1608.06993, 2016",
              published_macs="2.834 G (torchvision)",
              published_parameters="8062504 with moving statistics (Keras); 7978856 without "
                                   "(torchvision)")
    x = net.input("input", [3, 224, 224])
    x = net.conv_bn(x, "conv0", "norm0", "relu0", 64, 7, 2)
    x = net.max_pool("pool0", x, 3, 2, 1)
    width = 64
    for stage, count in enumerate([6, 12, 24, 16]):
        for i in range(count):
            name = f"denseblock{stage + 1}.denselayer{i + 1}"
            out = net.op("BatchNormalization", f"{name}.norm1", x)
            out = net.op("Relu", f"{name}.relu1", out)
            out = net.conv_bn(out, f"{name}.conv1", f"{name}.norm2", f"{name}.relu2", 128)
            out = net.conv(f"{name}.conv2", out, 32, 3)
            x = net.op("Concat", f"{name}.concat", [x, out], axis=1)
            width += 32
        if stage < 3:
            name, width = f"transition{stage + 1}", width // 2
            x = net.op("BatchNormalization", f"{name}.norm", x)
            x = net.op("Relu", f"{name}.relu", x)
            x = net.conv(f"{name}.conv", x, width)
            x = net.op("AveragePool", f"{name}.pool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = net.op("BatchNormalization", "norm5", x)
    x = net.op("Relu", "relu5", x)
    return net.output(net.head(x, "classifier"))


class Inception:
    """The modules of Inception-v3, by the letters of torchvision; sizes as in the paper."""

    def __init__(self, net):
        self.net = net

    def conv(self, name, x, channels, kernel=1, stride=1, pad=None):
        return self.net.conv_bn(x, f"{name}.conv", f"{name}.bn", f"{name}.relu", channels, kernel,
                                stride, pad)

    def chain(self, name, x, layers):
        """Convolutions one after the other, named with a running number."""
        for i, layer in enumerate(layers):
            x = self.conv(f"{name}_{i + 1}", x, *layer)
        return x

    def pool_branch(self, name, x, channels):
        x = self.net.op("AveragePool", f"{name}.avg_pool", x, kernel_shape=[3, 3], strides=[1, 1],
                        pads=[1, 1, 1, 1], count_include_pad=True)
        return self.conv(f"{name}.branch_pool", x, channels)

    def concat(self, name, branches):
        return self.net.op("Concat", f"{name}.concat", branches, axis=1)

    def a(self, name, x, pool_channels):
        return self.concat(name, [
            self.conv(f"{name}.branch1x1", x, 64),
            self.chain(f"{name}.branch5x5", x, [(48,), (64, 5)]),
            self.chain(f"{name}.branch3x3dbl", x, [(64,), (96, 3), (96, 3)]),
            self.pool_branch(name, x, pool_channels)])

    def b(self, name, x):
        return self.concat(name, [
            self.conv(f"{name}.branch3x3", x, 384, 3, 2, 0),
            self.chain(f"{name}.branch3x3dbl", x, [(64,), (96, 3), (96, 3, 2, 0)]),
            self.net.max_pool(f"{name}.max_pool", x, 3, 2)])

    def c(self, name, x, inner):
        row, column = [1, 7], [7, 1]
        return self.concat(name, [
            self.conv(f"{name}.branch1x1", x, 192),
            self.chain(f"{name}.branch7x7", x, [(inner,), (inner, row), (192, column)]),
            self.chain(f"{name}.branch7x7dbl", x, [(inner,), (inner, column), (inner, row),
                                                   (inner, column), (192, row)]),
            self.pool_branch(name, x, 192)])

    def d(self, name, x):
        return self.concat(name, [
            self.chain(f"{name}.branch3x3", x, [(192,), (320, 3, 2, 0)]),
            self.chain(f"{name}.branch7x7x3", x, [(192,), (192, [1, 7]), (192, [7, 1]),
                                                  (192, 3, 2, 0)]),
            self.net.max_pool(f"{name}.max_pool", x, 3, 2)])

    def fork(self, name, x):
        return [self.conv(f"{name}a", x, 384, [1, 3]), self.conv(f"{name}b", x, 384, [3, 1])]

    def e(self, name, x):
        short = self.conv(f"{name}.branch3x3_1", x, 384)
        double = self.chain(f"{name}.branch3x3dbl", x, [(448,), (384, 3)])
        return self.concat(name, [self.conv(f"{name}.branch1x1", x, 320)]
                           + self.fork(f"{name}.branch3x3_2", short)
                           + self.fork(f"{name}.branch3x3dbl_3", double)
                           + [self.pool_branch(name, x, 192)])


@network("inceptionv3")
def inceptionv3():
    net = Net("Szegedy et al., Rethinking the Inception architecture for computer vision, "
              "arXiv:1512.00567, 2015, without the auxiliary classifier, which is for training",
              published_macs="5.713 G (torchvision)",
              published_parameters="23851784 with moving statistics, without batch "
                                   "normalization's scale (Keras)")
    m = Inception(net)
    x = net.input("input", [3, 299, 299])
    x = m.conv("Conv2d_1a_3x3", x, 32, 3, 2, 0)
    x = m.conv("Conv2d_2a_3x3", x, 32, 3, 1, 0)
    x = m.conv("Conv2d_2b_3x3", x, 64, 3)
    x = net.max_pool("maxpool1", x, 3, 2)
    x = m.conv("Conv2d_3b_1x1", x, 80)
    x = m.conv("Conv2d_4a_3x3", x, 192, 3, 1, 0)
    x = net.max_pool("maxpool2", x, 3, 2)
    for letter, channels in (("b", 32), ("c", 64), ("d", 64)):
        x = m.a(f"Mixed_5{letter}", x, channels)
    x = m.b("Mixed_6a", x)
    for letter, inner in (("b", 128), ("c", 160), ("d", 160), ("e", 192)):
        x = m.c(f"Mixed_6{letter}", x, inner)
    x = m.d("Mixed_7a", x)
    x = m.e("Mixed_7b", x)
    x = m.e("Mixed_7c", x)
    return net.output(net.head(x, "fc"))


def squeezenet(version, first, pools, **published):
    """`pools`: after which fire modules there is a pool; fire2 is the first module."""
    net = Net("Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and "
              f"<0.5MB model size, arXiv:1602.07360, 2016, version {version}", **published)
    x = net.input("input", [3, 224, 224])
    x = net.conv("conv1", x, first[0], first[1], 2, 0, bias=True)
    x = net.op("Relu", "conv1.relu", x)
    x = net.max_pool("pool1", x, 3, 2, ceil=True)
    for i, (squeeze, expand) in enumerate([(16, 64), (16, 64), (32, 128), (32, 128), (48, 192),
                                           (48, 192), (64, 256), (64, 256)]):
        name = f"fire{i + 2}"
        x = net.conv(f"{name}.squeeze", x, squeeze, bias=True)
        x = net.op("Relu", f"{name}.squeeze.relu", x)
        halves = []
        for part, kernel in (("expand1x1", 1), ("expand3x3", 3)):
            half = net.conv(f"{name}.{part}", x, expand, kernel, bias=True)
            halves.append(net.op("Relu", f"{name}.{part}.relu", half))
        x = net.op("Concat", f"{name}.concat", halves, axis=1)
        if i + 2 in pools:
            x = net.max_pool(f"pool{i + 2}", x, 3, 2, ceil=True)
    x = net.conv("conv10", x, 1000, bias=True)
    x = net.op("Relu", "conv10.relu", x)
    x = net.op("GlobalAveragePool", "pool10", x)
    return net.output(net.op("Flatten", "flatten", x))


@network("squeezenet")
def squeezenet1_0():
    return squeezenet("1.0", (96, 7), (4, 8), published_macs="0.819 G (torchvision)",
                      published_parameters="1248424 (torchvision)")


@network("squeezenet1.1")
def squeezenet1_1():
    return squeezenet("1.1", (64, 3), (3, 5), published_macs="0.349 G (torchvision)",
                      published_parameters="1235496 (torchvision)")


@network("efficientnet-b0")
def efficientnet_b0():
    net = Net("Tan, Le, EfficientNet: rethinking model scaling for convolutional neural networks, "
              "arXiv:1905.11946, 2019",
              published_macs="0.386 G (torchvision); 0.39 G (paper)",
              published_parameters="5288548 (torchvision)")
    x = net.input("input", [3, 224, 224])
    x = net.conv_bn(x, "features.0.0", "features.0.1", "features.0.2", 32, 3, 2, relu="Silu")
    stages = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3),
              (6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]
    width = 32
    for stage, (expansion, kernel, first_stride, channels, count) in enumerate(stages):
        for i in range(count):
            name, stride = f"features.{stage + 1}.{i}", first_stride if i == 0 else 1
            out = mbconv(net, x, f"{name}.block", width, expansion, kernel, stride, channels)
            if stride == 1 and width == channels:
                out = net.op("Add", f"{name}.add", [out, x])
            x, width = out, channels
    x = net.conv_bn(x, "features.8.0", "features.8.1", "features.8.2", 1280, relu="Silu")
    return net.output(net.head(x, "classifier.1"))


def mbconv(net, x, name, width, expansion, kernel, stride, channels):
    """Expansion, depthwise convolution, squeeze and excitation, projection."""
    inner, part = width * expansion, 0
    if expansion != 1:
        x = net.conv_bn(x, f"{name}.0.0", f"{name}.0.1", f"{name}.0.2", inner, relu="Silu")
        part = 1
    x = net.conv_bn(x, f"{name}.{part}.0", f"{name}.{part}.1", f"{name}.{part}.2", inner, kernel,
                    stride, group=inner, relu="Silu")
    se = f"{name}.{part + 1}"
    gate = net.op("GlobalAveragePool", f"{se}.avgpool", x)
    gate = net.conv(f"{se}.fc1", gate, max(1, width // 4), bias=True)
    gate = net.activation("Silu", f"{se}.activation", gate)
    gate = net.conv(f"{se}.fc2", gate, inner, bias=True)
    gate = net.op("Sigmoid", f"{se}.scale_activation", gate)
    x = net.op("Mul", f"{se}.scale", [x, gate])
    return net.conv_bn(x, f"{name}.{part + 2}.0", f"{name}.{part + 2}.1", None, channels)


@network("yolov3-tiny")
def yolov3_tiny():
    net = Net("Redmon, Farhadi, YOLOv3: an incremental improvement, arXiv:1804.02767, 2018; "
              "layers of darknet's yolov3-tiny.cfg for COCO, up to the two detection heads",
              published_macs="2.785 G (darknet: 5.571 billion floating-point operations, two per "
                             "multiply-accumulate)",
              published_parameters="8858734 with moving statistics (darknet's weight file)")
    x = net.input("input", [3, 416, 416])

    def conv(index, x, channels, kernel=3):
        return net.conv_bn(x, f"conv{index}", f"conv{index}.bn", f"conv{index}.leaky", channels,
                           kernel, relu="LeakyRelu")
    for i, channels in enumerate([16, 32, 64, 128, 256]):
        x = kept = conv(2 * i, x, channels)
        x = net.max_pool(f"pool{2 * i + 1}", x, 2, 2)
    x = conv(10, x, 512)
    x = net.op("MaxPool", "pool11", x, kernel_shape=[2, 2], strides=[1, 1], auto_pad="SAME_UPPER")
    x = conv(12, x, 1024)
    neck = conv(13, x, 256, 1)
    x = conv(14, neck, 512)
    coarse = net.conv("conv15", x, 255, bias=True)
    x = conv(18, neck, 128, 1)
    x = net.op("Resize", "upsample19", x, mode="nearest", scales=[1, 1, 2, 2])
    x = net.op("Concat", "route20", [x, kept], axis=1)
    x = conv(21, x, 256)
    fine = net.conv("conv22", x, 255, bias=True)
    return net.output(coarse, fine)


def attention(net, name, query, key, value, tokens, heads, width, mask=None):
    """Scaled dot products of all heads; the three operands are tokens x heads*width."""
    shape = [0, tokens, heads, width]
    query = net.op("Reshape", f"{name}.query.reshape", query, shape=shape)
    key = net.op("Reshape", f"{name}.key.reshape", key, shape=shape)
    value = net.op("Reshape", f"{name}.value.reshape", value, shape=shape)
    query = net.op("Transpose", f"{name}.query.transpose", query, perm=[0, 2, 1, 3])
    key = net.op("Transpose", f"{name}.key.transpose", key, perm=[0, 2, 3, 1])
    value = net.op("Transpose", f"{name}.value.transpose", value, perm=[0, 2, 1, 3])
    scores = net.op("MatMul", f"{name}.scores", [query, key])
    scores = net.op("Div", f"{name}.scores.scale", scores, constant_value=width ** 0.5)
    if mask:
        scores = net.op("Add", f"{name}.scores.mask", [scores, mask])
    scores = net.op("Softmax", f"{name}.softmax", scores, axis=-1)
    x = net.op("MatMul", f"{name}.context", [scores, value])
    x = net.op("Transpose", f"{name}.context.transpose", x, perm=[0, 2, 1, 3])
    return net.op("Reshape", f"{name}.context.reshape", x, shape=[0, tokens, heads * width])


@network("vit-b16")
def vit_b16():
    net = Net("Dosovitskiy et al., An image is worth 16x16 words: transformers for image "
              "recognition at scale, arXiv:2010.11929, 2020",
              published_macs="17.564 G (torchvision)",
              published_parameters="86567656 (torchvision)")
    x = net.input("input", [3, 224, 224])
    token = net.constant("class_token", [1, 1, 768])
    token_shape = net.constant("class_token.shape", [2], "int64", [1, 768])
    positions = net.constant("pos_embedding", [1, 197, 768])
    x = net.op("Conv", "conv_proj", x, out_channels=768, kernel_shape=[16, 16], strides=[16, 16],
               bias=True)
    x = net.op("Reshape", "patches.reshape", x, shape=[0, 768, 196])
    x = net.op("Transpose", "patches.transpose", x, perm=[0, 2, 1])
    batch = net.op("Shape", "batch", x, start=0, end=1)
    shape = net.op("Concat", "class_token.batch_shape", [batch, token_shape], axis=0)
    token = net.op("Expand", "class_token.expand", [token, shape])
    x = net.op("Concat", "tokens", [token, x], axis=1)
    x = net.op("Add", "tokens.add_pos_embedding", [x, positions])
    for i in range(12):
        name = f"encoder.layers.{i}"
        out = net.op("LayerNormalization", f"{name}.ln_1", x, axis=-1)
        out = net.linear(f"{name}.self_attention.in_proj", out, 2304)
        parts = [f"{name}.self_attention.{part}" for part in ("query", "key", "value")]
        net.op("Split", f"{name}.self_attention.split", out, outputs=parts, axis=-1,
               split=[768, 768, 768])
        out = attention(net, f"{name}.self_attention", *parts, 197, 12, 64)
        out = net.linear(f"{name}.self_attention.out_proj", out, 768)
        x = net.op("Add", f"{name}.add_1", [out, x])
        out = net.op("LayerNormalization", f"{name}.ln_2", x, axis=-1)
        out = net.linear(f"{name}.mlp.0", out, 3072)
        out = net.op("Gelu", f"{name}.mlp.1", out)
        out = net.linear(f"{name}.mlp.3", out, 768)
        x = net.op("Add", f"{name}.add_2", [x, out])
    x = net.op("LayerNormalization", "encoder.ln", x, axis=-1)
    x = net.op("Gather", "class_token.select", x, axis=1, indices=0)
    return net.output(net.fc("heads.head", x, 1000))


@network("bert-base")
def bert_base():
    net = Net("Devlin et al., BERT: pre-training of deep bidirectional transformers for language "
              "understanding, arXiv:1810.04805, 2018; uncased, sequence length 128, with pooler; "
              "of the 512 position embeddings the 128 in use",
              published_macs="11.25 G (22.5 billion floating-point operations at length 128: Jiao "
                             "et al., TinyBERT, arXiv:1909.10351, table 1)",
              published_parameters="109482240 with 512 position embeddings (Hugging Face); 110 M "
                                   "(paper)")
    ids = net.input("input_ids", [128], "int64")
    kinds = net.input("token_type_ids", [128], "int64")
    mask = net.input("attention_mask", [128], "int64")
    positions = net.constant("embeddings.position_embeddings", [1, 128, 768])
    words = net.op("Gather", "embeddings.word_embeddings", ids, num_embeddings=30522,
                   embedding_dim=768)
    kinds = net.op("Gather", "embeddings.token_type_embeddings", kinds, num_embeddings=2,
                   embedding_dim=768)
    x = net.op("Add", "embeddings.add", [words, kinds])
    x = net.op("Add", "embeddings.add_position_embeddings", [x, positions])
    x = net.op("LayerNormalization", "embeddings.LayerNorm", x, axis=-1)
    mask = net.op("Unsqueeze", "attention_mask.unsqueeze", mask, axes=[1, 2])
    mask = net.op("Cast", "attention_mask.cast", mask, to="float32")
    mask = net.op("Sub", "attention_mask.sub", mask, constant_value=1)
    mask = net.op("Mul", "attention_mask.mul", mask, constant_value=10000)
    for i in range(12):
        x = bert_layer(net, x, mask, f"encoder.layer.{i}")
    pooled = net.op("Gather", "pooler.select", x, axis=1, indices=0)
    pooled = net.fc("pooler.dense", pooled, 768)
    return net.output(x, net.op("Tanh", "pooler.activation", pooled))


def bert_layer(net, x, mask, name):
    parts = [net.linear(f"{name}.attention.self.{part}", x, 768)
             for part in ("query", "key", "value")]
    out = attention(net, f"{name}.attention.self", *parts, 128, 12, 64, mask)
    out = net.linear(f"{name}.attention.output.dense", out, 768)
    out = net.op("Add", f"{name}.attention.output.add", [out, x])
    x = net.op("LayerNormalization", f"{name}.attention.output.LayerNorm", out, axis=-1)
    out = net.linear(f"{name}.intermediate.dense", x, 3072)
    out = net.op("Gelu", f"{name}.intermediate.gelu", out)
    out = net.linear(f"{name}.output.dense", out, 768)
    out = net.op("Add", f"{name}.output.add", [out, x])
    return net.op("LayerNormalization", f"{name}.output.LayerNorm", out, axis=-1)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for name, build in NETWORKS.items():
        build().write(name, os.path.join(folder, name + ".json"))


if __name__ == "__main__":
    main()
