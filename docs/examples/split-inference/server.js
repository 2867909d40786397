#!/usr/bin/env node
'use strict';
// The server's process: runs the tails of one or more splits for the devices that ask.

require('./lib/packages');

const { parseArgs } = require('node:util');
const zmq = require('zeromq');
const { loadSplit, openPart } = require('./lib/split');
const { MAX_HEADER_BYTES, ProtocolError, now, pack, unpack } = require('./lib/wire');

const USAGE = `usage: node server.js [OPTIONS] split.json...
  --bind ENDPOINT   where to listen (default tcp://127.0.0.1:5600; port * takes a free one)
  --insecure        allow an ENDPOINT beyond this machine: there is neither encryption nor
                    authentication in this example
  --threads N       threads of ONNX Runtime (default: its own choice)
  --no-optimize     run the network's operators as they are
Prints one JSON line with its endpoint when it is ready. Ends on SIGINT or SIGTERM.`;

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bind: { type: 'string', default: 'tcp://127.0.0.1:5600' },
      insecure: { type: 'boolean', default: false },
      threads: { type: 'string', default: '0' },
      'no-optimize': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  if (positionals.length === 0) throw new Error('no split.json given');
  if (!/^\d{1,3}$/.test(values.threads)) throw new Error(`--threads ${values.threads}: expected a number`);
  if (!values.insecure && !/^(tcp:\/\/(127\.[\d.]+|localhost|\[::1\]):|ipc:)/.test(values.bind)) {
    throw new Error(`--bind ${values.bind}: reachable from other machines without encryption or ` +
      'authentication; add --insecure if that is meant');
  }
  return { files: positionals, bind: values.bind, threads: Number(values.threads),
    optimize: !values['no-optimize'] };
}

// A tail whose inputs have dynamic dimensions takes tensors of other sizes than were planned for.
const MOST_DYNAMIC_BYTES = 256 * 1024 * 1024;

function describeInputs(crossing, session) {
  const shapes = new Map(session.inputMetadata.map((m) => [m.name, m.shape]));
  return crossing.map((c) => ({
    name: c.wire_name,
    type: c.wire_type,
    bytes: c.wire_bytes,
    dynamic: (shapes.get(c.wire_name) || []).some((d) => typeof d !== 'number' || d < 0),
  }));
}

async function openTails(options) {
  const tails = new Map();
  for (const file of options.files) {
    const split = loadSplit(file);
    const session = await openPart(split, 'tail', options);
    if (!session) {
      process.stderr.write(`server: ${file}: everything runs on the device, nothing to serve\n`);
      continue;
    }
    const { crossing, outputs, plan } = split.manifest;
    tails.set(split.id, {
      split,
      session,
      inputs: describeInputs(crossing, session),
      outputs: outputs.filter((o) => o.side === 'server').map((o) => o.name),
      returned: !plan || plan.result !== 'server',
    });
  }
  if (tails.size === 0) throw new Error('no split has a tail');
  return tails;
}

function findTail(tails, header) {
  const tail = tails.get(header.split_id);
  if (!tail) {
    throw new ProtocolError('unknown_split', `split ${header.split_id} is not served here, only ` +
      [...tails.keys()].join(', '));
  }
  return tail;
}

function checkInputs(tail, tensors) {
  for (const { name, type, bytes, dynamic } of tail.inputs) {
    const tensor = tensors.get(name);
    if (!tensor) throw new ProtocolError('bad_request', `tensor '${name}' is missing`);
    if (tensor.type !== type) {
      throw new ProtocolError('bad_request', `tensor '${name}' is ${tensor.type}, expected ${type}`);
    }
    if (!dynamic && tensor.data.byteLength !== bytes) {
      throw new ProtocolError('bad_request', `tensor '${name}' has ${tensor.data.byteLength} ` +
        `bytes, expected ${bytes}`);
    }
  }
  if (tensors.size !== tail.inputs.length) {
    throw new ProtocolError('bad_request', `${tensors.size} tensors, expected ${tail.inputs.length}`);
  }
}

async function runTail(tail, tensors) {
  checkInputs(tail, tensors);
  let results;
  try {
    results = await tail.session.run(Object.fromEntries(tensors), tail.outputs);
  } catch (error) {
    throw new ProtocolError('internal', `ONNX Runtime: ${error.message}`);
  }
  return tail.returned ? tail.outputs.map((name) => [name, results[name]]) : [];
}

// The reply to one request, whatever it is.
async function answer(tails, frames, received) {
  let id = null;
  try {
    const { header, tensors } = unpack(frames);
    id = header.id === undefined ? null : header.id;
    const reply = { id, ok: true, received_s: received };
    if (header.op === 'ping') return pack({ ...reply, sent_s: now() });
    if (header.op === 'hello') {
      const { manifest } = findTail(tails, header).split;
      return pack({ ...reply, tail_sha256: manifest.tail.sha256, sent_s: now() });
    }
    if (header.op === 'run') {
      const results = await runTail(findTail(tails, header), tensors);
      return pack({ ...reply, sent_s: now() }, results);
    }
    throw new ProtocolError('bad_request', `operation '${header.op}', expected ping, hello or run`);
  } catch (error) {
    const code = error instanceof ProtocolError ? error.code : 'internal';
    return pack({ id, ok: false, error: { code, message: error.message } });
  }
}

async function serve(options) {
  const tails = await openTails(options);
  const largest = Math.max(MAX_HEADER_BYTES, ...[...tails.values()]
    .flatMap((t) => t.inputs.map((i) => (i.dynamic ? MOST_DYNAMIC_BYTES : i.bytes))));
  const socket = new zmq.Router({ linger: 500, maxMessageSize: largest, sendTimeout: 5000 });
  await socket.bind(options.bind);
  let stopping = false;
  const stop = () => {
    stopping = true;
    socket.close();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  console.log(JSON.stringify({ endpoint: socket.lastEndpoint, splits: [...tails.keys()] }));
  try {
    for await (const [peer, ...frames] of socket) {
      const received = now();
      const envelope = frames.length > 0 && frames[0].length === 0 ? frames.splice(0, 1) : [];
      const reply = await answer(tails, frames, received);
      if (!stopping) await socket.send([peer, ...envelope, ...reply]);
    }
  } catch (error) {
    if (!stopping) throw error;
  }
}

async function main() {
  let options;
  try {
    options = readOptions();
  } catch (error) {
    process.stderr.write(`server: ${error.message}\n${USAGE}\n`);
    process.exitCode = 2;
    return;
  }
  try {
    await serve(options);
  } catch (error) {
    process.stderr.write(`server: ${error.message}\n`);
    process.exitCode = 1;
  }
}

main();
