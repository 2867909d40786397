'use strict';
// Tensors as raw little-endian bytes, and back.

const fs = require('node:fs');
const os = require('node:os');
const ort = require('onnxruntime-node');

if (os.endianness() !== 'LE') throw new Error('tensors are sent as they are in memory, little-endian');

// Element type: bytes of an element, and the array that onnxruntime-node wants for it. Before
// Float16Array came to JavaScript it took the bits of a float16 as Uint16Array.
const TYPES = {
  float32: Float32Array, float64: Float64Array, float16: globalThis.Float16Array || Uint16Array,
  int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array,
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array,
  bool: Uint8Array,
};

function arrayType(type, name) {
  if (!Object.hasOwn(TYPES, type)) {
    throw new Error(`tensor '${name}': elements of type ${type} cannot be sent`);
  }
  return TYPES[type];
}

// Number of elements; every dimension must be a whole number.
function elements(shape, name) {
  let n = 1;
  for (const d of shape) {
    if (!Number.isSafeInteger(d) || d < 0) {
      throw new Error(`tensor '${name}': dimension ${d} of [${shape}], expected a whole number`);
    }
    n *= d;
  }
  if (!Number.isSafeInteger(n)) throw new Error(`tensor '${name}': [${shape}] is too large`);
  return n;
}

// A tensor of the given bytes. They are copied, as a new array begins at a multiple of 16 bytes and a
// part of a message anywhere: some kernels of ONNX Runtime (ReduceMean) add in an order that depends on
// the address modulo 16, so that the last bits of a result would change from run to run.
function fromBytes(name, type, shape, bytes) {
  const Type = arrayType(type, name);
  const n = elements(shape, name);
  if (bytes.length !== n * Type.BYTES_PER_ELEMENT) {
    throw new Error(`tensor '${name}': ${bytes.length} bytes, expected ` +
      `${n * Type.BYTES_PER_ELEMENT} for ${type}[${shape}]`);
  }
  const copy = new Uint8Array(bytes);
  return new ort.Tensor(type, new Type(copy.buffer, 0, n), shape);
}

// The tensor's bytes, not copied.
function toBytes(name, tensor) {
  arrayType(tensor.type, name);
  const { data } = tensor;
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

// Shapes of ONNX files may hold names in place of numbers; given is what the user says they are. As in
// kerf, an open first dimension is a batch of 1.
function settleShape(name, shape, given) {
  if (given) return given;
  const isNumber = (d) => typeof d === 'number' && d >= 0;
  if (shape.slice(1).every(isNumber)) return shape.map((d) => (isNumber(d) ? d : 1));
  throw new Error(`input '${name}' has the dynamic shape [${shape}]; ` +
    `say what it is: --shape ${name}=1x3x224x224`);
}

// Random numbers that are the same for the same seed (a 32-bit xorshift generator).
function randomTensor(name, type, shape, seed) {
  const Type = arrayType(type, name);
  const data = new Type(elements(shape, name));
  let state = (seed * 2654435761) >>> 0 || 1;
  if (type === 'float32' || type === 'float64') {
    for (let i = 0; i < data.length; i++) {
      state ^= state << 13; state ^= state >>> 17; state ^= state << 5; state >>>= 0;
      data[i] = state / 4294967296;
    }
  }
  return new ort.Tensor(type, data, shape);
}

function readTensor(name, type, shape, file) {
  return fromBytes(name, type, shape, fs.readFileSync(file));
}

module.exports = { elements, fromBytes, randomTensor, readTensor, settleShape, toBytes };
