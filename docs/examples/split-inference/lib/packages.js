'use strict';
// Required first: says in one line what to do where the packages are not installed.

for (const name of ['onnxruntime-node', 'zeromq']) {
  try {
    require.resolve(name);
  } catch {
    process.stderr.write(`the package ${name} is not installed; run 'npm ci' in this folder\n`);
    process.exit(1);
  }
}
