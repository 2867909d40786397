'use strict';
// profile.js MODEL PREFIX LEVEL: runs a network of one float32 input five times in ONNX Runtime with
// that level of graph optimisation, and prints the name of the profile it wrote: PREFIX_date.json.

const fs = require('node:fs');
const path = require('node:path');
const ort = require('onnxruntime-node');

async function main() {
  const [, , model, prefix, level] = process.argv;
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'], graphOptimizationLevel: level, intraOpNumThreads: 1,
    logSeverityLevel: 3, enableProfiling: true, profileFilePrefix: prefix,
  });
  const shape = [1, 3, 32, 32];
  const values = new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5);
  for (let i = 0; i < 5; i++) {
    await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', values, shape) });
  }
  session.endProfiling();
  await session.release();
  const folder = path.dirname(prefix);
  const written = fs.readdirSync(folder).filter((name) => name.startsWith(path.basename(prefix)));
  console.log(path.join(folder, written[0]));
}

main().catch((error) => { console.error(error.message); process.exit(1); });
