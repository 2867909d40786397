#!/usr/bin/env node
'use strict';
// The device's process: runs the head, has the server run the tail, and compares the time that each
// part took with what kerf predicted.

require('./lib/packages');

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { chooseSplit } = require('./lib/choose');
const { Client } = require('./lib/client');
const { PARTS, printTable, summary } = require('./lib/report');
const { loadSplit, openPart } = require('./lib/split');
const { randomTensor, readTensor, settleShape, toBytes } = require('./lib/tensors');
const { now } = require('./lib/wire');

const USAGE = `usage: node device.js [OPTIONS] split.json...
  --server ENDPOINT      the server's process (default tcp://127.0.0.1:5600)
  --service ENDPOINT     kerf serve, asked which of the splits to run (default
                         tcp://127.0.0.1:5599; none: do not ask)
  --service-timeout MS   how long it may take to answer (default 300)
  --uplink RATE --downlink RATE --rtt TIME
                         the link as it is now, for that question, as "12 Mbit/s", "20 ms"
  --network NAME         the service's name of the network (default: as in the manifest)
  --plan PLAN.json       without a service: run the split of this plan (kerf plan --json)
  --input NAME=FILE      raw little-endian values of an input (default: random)
  --shape NAME=1x3x8x8   shape of an input with dynamic dimensions (default: a batch of 1)
  --runs N               measured inferences (default 20); --warmup N before them (default 3)
  --save DIR             write the last results there, raw
  --timeout MS           how long the server may take to answer (default 10000)
  --threads N            threads of ONNX Runtime (default: its own choice)
  --no-optimize          run the network's operators as they are
  --json                 print JSON instead of a table
Without a planning service and a plan, the first split is run.`;

const STRINGS = { server: 'tcp://127.0.0.1:5600', service: 'tcp://127.0.0.1:5599',
  'service-timeout': '300', uplink: undefined, downlink: undefined, rtt: undefined,
  network: undefined, plan: undefined, runs: '20', warmup: '3', save: undefined,
  timeout: '10000', threads: '0' };

function whole(values, key, least) {
  if (!/^\d{1,9}$/.test(values[key]) || Number(values[key]) < least) {
    throw new Error(`--${key} ${values[key]}: expected a whole number of at least ${least}`);
  }
  return Number(values[key]);
}

// NAME=VALUE options as a map; names of tensors may hold '='.
function pairs(list, key) {
  return new Map(list.map((text) => {
    const at = text.lastIndexOf('=');
    if (at < 1) throw new Error(`--${key} ${text}: expected NAME=VALUE`);
    return [text.slice(0, at), text.slice(at + 1)];
  }));
}

function parseShape(text, name) {
  if (text === '') return [];
  if (!/^\d+(x\d+)*$/.test(text)) throw new Error(`--shape ${name}=${text}: expected as 1x3x224x224`);
  return text.split('x').map(Number);
}

function readOptions() {
  const options = { json: { type: 'boolean', default: false },
    'no-optimize': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    input: { type: 'string', multiple: true, default: [] },
    shape: { type: 'string', multiple: true, default: [] } };
  for (const [key, value] of Object.entries(STRINGS)) {
    options[key] = value === undefined ? { type: 'string' } : { type: 'string', default: value };
  }
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  if (positionals.length === 0) throw new Error('no split.json given');
  const shapes = pairs(values.shape, 'shape');
  for (const [name, text] of shapes) shapes.set(name, parseShape(text, name));
  return { ...values, files: positionals, inputs: pairs(values.input, 'input'), shapes,
    serviceTimeoutMs: whole(values, 'service-timeout', 1), timeoutMs: whole(values, 'timeout', 1),
    runs: whole(values, 'runs', 1), warmup: whole(values, 'warmup', 0),
    threads: whole(values, 'threads', 0), optimize: !values['no-optimize'] };
}

// The network's inputs: those of the head, and those that pass through to the tail.
function makeInputs(split, head, options) {
  const wanted = new Map();
  if (head) {
    for (const { name, type, shape } of head.inputMetadata) wanted.set(name, { type, shape });
  }
  for (const c of split.manifest.crossing) {
    if (c.producer === 'input' && !wanted.has(c.name)) wanted.set(c.name, { type: c.type, shape: c.shape });
  }
  for (const key of ['inputs', 'shapes']) {
    for (const name of options[key].keys()) {
      if (!wanted.has(name)) throw new Error(`no input '${name}', only ${[...wanted.keys()].join(', ')}`);
    }
  }
  const tensors = {};
  let seed = 1;
  for (const [name, { type, shape }] of wanted) {
    const settled = settleShape(name, shape, options.shapes.get(name));
    tensors[name] = options.inputs.has(name)
      ? readTensor(name, type, settled, options.inputs.get(name))
      : randomTensor(name, type, settled, seed++);
  }
  return tensors;
}

// What crosses, in the manifest's order: the head's outputs, and inputs as they are.
function crossingTensors(manifest, inputs, headResults) {
  return manifest.crossing.map((c) => {
    const tensor = headResults[c.wire_name] || inputs[c.name];
    if (!tensor) throw new Error(`nothing makes tensor '${c.wire_name}', which crosses`);
    if (tensor.type !== c.wire_type) {
      throw new Error(`tensor '${c.wire_name}' is ${tensor.type}, expected ${c.wire_type}`);
    }
    return [c.wire_name, tensor];
  });
}

// One inference: its results, and when each part was over.
async function infer({ split, head, client, offset }, inputs) {
  const start = now();
  const headFeeds = head && Object.fromEntries(head.inputNames.map((n) => [n, inputs[n]]));
  const headResults = head ? await head.run(headFeeds) : {};
  const results = new Map();
  for (const o of split.manifest.outputs) {
    if (o.side === 'device') results.set(o.name, headResults[o.name]);
  }
  if (!client) {
    return { results, times: { device: now() - start, uplink: 0, server: 0, downlink: 0 } };
  }
  const crossing = crossingTensors(split.manifest, inputs, headResults);
  const { answer, results: fromServer, sent, received } =
    await client.request({ op: 'run', split_id: split.id }, crossing);
  for (const [name, tensor] of fromServer) results.set(name, tensor);
  return { results,
    times: { device: sent - start, uplink: answer.received_s - offset - sent,
      server: answer.sent_s - answer.received_s, downlink: received - (answer.sent_s - offset) } };
}

// A connection to a server that has the tail of this very split.
async function connect(split, options) {
  const client = new Client(options.server, options.timeoutMs);
  const stop = () => {
    client.close();
    process.exit(130);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    const { answer } = await client.request({ op: 'hello', split_id: split.id });
    if (answer.tail_sha256 !== split.manifest.tail.sha256) {
      throw new Error(`${options.server}: its tail is another than that of ${split.file}: ` +
        `SHA-256 ${answer.tail_sha256}, expected ${split.manifest.tail.sha256}`);
    }
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

function save(directory, results) {
  fs.mkdirSync(directory, { recursive: true });
  return [...results].map(([name, tensor], i) => {
    const file = path.join(directory, `${i}.bin`);
    fs.writeFileSync(file, toBytes(name, tensor));
    return { name, type: tensor.type, shape: [...tensor.dims], file };
  });
}

async function measure(running, inputs, options) {
  const times = Object.fromEntries(PARTS.map((part) => [part, []]));
  let results;
  for (let i = 0; i < options.warmup + options.runs; i++) {
    const one = await infer(running, inputs);
    results = one.results;
    if (i >= options.warmup) PARTS.forEach((part) => times[part].push(one.times[part]));
  }
  return { times, results };
}

async function run(options) {
  const say = (text) => process.stderr.write(`device: ${text}\n`);
  const splits = options.files.map(loadSplit);
  const { split, plan, decidedBy } = await chooseSplit(splits, options, say);
  const head = await openPart(split, 'head', options);
  const inputs = makeInputs(split, head, options);
  const client = split.manifest.tail ? await connect(split, options) : null;
  try {
    const clock = client ? await client.synchronise() : null;
    const running = { split, head, client, offset: clock ? clock.offset : 0 };
    const { times, results } = await measure(running, inputs, options);
    const report = summary({ split, plan, decidedBy, clock, times, results });
    if (options.save) report.outputs = save(options.save, results);
    if (options.json) console.log(JSON.stringify(report, null, 2));
    else printTable(report);
  } finally {
    if (client) client.close();
  }
}

async function main() {
  let options;
  try {
    options = readOptions();
  } catch (error) {
    process.stderr.write(`device: ${error.message}\n${USAGE}\n`);
    process.exitCode = 2;
    return;
  }
  try {
    await run(options);
  } catch (error) {
    process.stderr.write(`device: ${error.message}\n`);
    process.exitCode = 1;
  }
}

main();
