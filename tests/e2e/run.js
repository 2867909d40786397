'use strict';
// Runs ONNX networks in ONNX Runtime, without its graph optimisations and on one thread, so that
// equal operators give equal bits. Reads a request per line, answers each with a line:
//     {"model": file, "inputs": [{"name", "type", "shape", "file"}], "save": folder}
//     {"ok": true, "outputs": [{"name", "type", "shape", "file"}]} or {"ok": false, "error": "..."}
// Values are raw little-endian files.

const path = require('node:path');
const readline = require('node:readline');
const fs = require('node:fs');
const ort = require('onnxruntime-node');
const { readTensor, toBytes } = require('../../docs/examples/split-inference/lib/tensors');

async function run({ model, inputs, save }) {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'], graphOptimizationLevel: 'disabled', intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  try {
    const feeds = {};
    for (const { name, type, shape, file } of inputs) feeds[name] = readTensor(name, type, shape, file);
    const results = await session.run(feeds);
    return session.outputNames.map((name, i) => {
      const file = path.join(save, `${i}.bin`);
      fs.writeFileSync(file, toBytes(name, results[name]));
      return { name, type: results[name].type, shape: [...results[name].dims], file };
    });
  } finally {
    await session.release();
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = { ok: true, outputs: await run(JSON.parse(line)) };
    } catch (error) {
      answer = { ok: false, error: error.message };
    }
    console.log(JSON.stringify(answer));
  }
}

main();
