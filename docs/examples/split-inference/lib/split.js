'use strict';
// What kerf split writes: the manifest (split.json) and the two networks beside it.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');
const ort = require('onnxruntime-node');

const FORMAT = 'kerf-split/1';

function readJson(file) {
  let text;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file}: cannot be read: ${error.code || error.message}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file}: not JSON: ${error.message}`);
  }
}

function loadSplit(file) {
  const manifest = readJson(file);
  if (manifest === null || manifest.format !== FORMAT) {
    throw new Error(`${file}: /format: '${manifest && manifest.format}', expected '${FORMAT}'`);
  }
  if (!/^[0-9a-f]{64}$/.test(manifest.split_id)) throw new Error(`${file}: /split_id: expected 64 hexadecimal digits`);
  for (const key of ['crossing', 'inputs', 'outputs']) {
    if (!Array.isArray(manifest[key])) throw new Error(`${file}: /${key}: missing, expected an array`);
  }
  if (!manifest.head && !manifest.tail) throw new Error(`${file}: has neither head nor tail`);
  return { file, id: manifest.split_id, manifest };
}

async function sha256(file) {
  const hash = crypto.createHash('sha256');
  await pipeline(fs.createReadStream(file), hash);
  return hash.digest('hex');
}

// Checks that a file beside the manifest is the one that the manifest was written with.
async function verify(split, part, entry) {
  const file = path.join(path.dirname(split.file), entry.file);
  let digest;
  try {
    digest = await sha256(file);
  } catch (error) {
    throw new Error(`${file}: cannot be read: ${error.code || error.message}`);
  }
  if (digest !== entry.sha256) {
    throw new Error(`${file}: is not the ${part} of ${split.file}: SHA-256 is ${digest}, ` +
      `expected ${entry.sha256}; split the network again, or copy all files together`);
  }
  return file;
}

// An inference session of the split's "head" or "tail", whose files are verified; null if the split
// has no such part.
async function openPart(split, part, options) {
  const entry = split.manifest[part];
  if (!entry) return null;
  const file = await verify(split, part, entry);
  if (entry.data) await verify(split, `${part}'s weights`, entry.data);
  try {
    return await ort.InferenceSession.create(file, sessionOptions(options));
  } catch (error) {
    throw new Error(`${file}: ONNX Runtime cannot load it: ${error.message}`);
  }
}

function sessionOptions({ threads, optimize }) {
  return {
    executionProviders: ['cpu'],
    graphOptimizationLevel: optimize ? 'all' : 'disabled',
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  };
}

// The operators of a plan's device part, in a form that can be compared.
function placement(plan) {
  return JSON.stringify([...plan.cut.device_operators].sort());
}

module.exports = { loadSplit, openPart, placement, readJson };
