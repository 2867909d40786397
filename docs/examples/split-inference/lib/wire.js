'use strict';
// Messages between device and server (README.md, "The protocol"): a JSON header, then the raw bytes
// of each tensor that the header lists.

const { fromBytes, toBytes } = require('./tensors');

const VERSION = 1;
const MAX_HEADER_BYTES = 1 << 20;

// A failure that the other side is told by its code.
class ProtocolError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// tensors: array of [name, tensor].
function pack(header, tensors = []) {
  const list = [];
  const frames = [];
  for (const [name, tensor] of tensors) {
    list.push({ name, type: tensor.type, shape: [...tensor.dims] });
    frames.push(toBytes(name, tensor));
  }
  return [JSON.stringify({ v: VERSION, ...header, tensors: list }), ...frames];
}

// Returns {header, tensors: Map of name to tensor}; header and frames come from outside.
function unpack(frames) {
  if (frames.length === 0 || frames[0].length > MAX_HEADER_BYTES) {
    throw new ProtocolError('bad_request', 'no header, or one of more than 1 MiB');
  }
  let header;
  try {
    header = JSON.parse(frames[0].toString('utf8'));
  } catch (error) {
    throw new ProtocolError('bad_json', `the header is not JSON: ${error.message}`);
  }
  if (header === null || typeof header !== 'object' || Array.isArray(header)) {
    throw new ProtocolError('bad_request', 'the header is not an object');
  }
  if (header.v !== VERSION) {
    throw new ProtocolError('unsupported_version', `version ${header.v}, expected ${VERSION}`);
  }
  const list = header.tensors === undefined ? [] : header.tensors;
  if (!Array.isArray(list) || list.length !== frames.length - 1) {
    throw new ProtocolError('bad_request', 'the header does not list as many tensors as there are frames');
  }
  const tensors = new Map();
  list.forEach((entry, i) => {
    const { name, type, shape } = entry || {};
    if (typeof name !== 'string' || !Array.isArray(shape) || tensors.has(name)) {
      throw new ProtocolError('bad_request', `tensor ${i} has no name of its own, or no shape`);
    }
    try {
      tensors.set(name, fromBytes(name, type, shape, frames[i + 1]));
    } catch (error) {
      throw new ProtocolError('bad_request', error.message);
    }
  });
  return { header, tensors };
}

// Seconds on this process's own clock.
function now() {
  return performance.now() / 1000;
}

module.exports = { MAX_HEADER_BYTES, ProtocolError, now, pack, unpack };
