'use strict';
// Predicted beside measured time, as JSON and as a table.

const PARTS = ['device', 'uplink', 'server', 'downlink'];

function figures(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return { median_s: median, min_s: sorted[0], max_s: sorted[sorted.length - 1] };
}

function byteLength(results) {
  let n = 0;
  for (const tensor of results.values()) n += tensor.data.byteLength;
  return n;
}

function summary({ split, plan, decidedBy, clock, times, results }) {
  const { manifest } = split;
  const measured = Object.fromEntries(PARTS.map((part) => [part, figures(times[part])]));
  measured.latency = figures(times.device.map((_, i) => PARTS.reduce((s, p) => s + times[p][i], 0)));
  let predicted = null;
  if (plan && plan.cost) {
    predicted = Object.fromEntries(PARTS.map((p) => [`${p}_s`, plan.cost.latency[`${p}_s`]]));
    predicted.latency_s = plan.cost.latency_s;
  }
  return {
    split: split.file,
    split_id: split.id,
    decided_by: decidedBy,
    runs: times.device.length,
    device_operators: manifest.head ? manifest.head.operators : 0,
    server_operators: manifest.tail ? manifest.tail.operators : 0,
    crossing_bytes: manifest.crossing.reduce((n, c) => n + c.wire_bytes, 0),
    result_bytes: byteLength(results),
    predicted,
    measured,
    clock: clock && { round_trip_s: clock.roundTrip, offset_s: clock.offset },
  };
}

function milliseconds(seconds) {
  if (seconds === undefined || seconds === null) return '-';
  return `${Number((seconds * 1000).toPrecision(3))} ms`;
}

function printTable(report) {
  const { predicted, measured } = report;
  console.log(`${report.device_operators} operators on the device, ${report.server_operators} on ` +
    `the server, ${report.crossing_bytes} bytes sent, ${report.result_bytes} bytes of results ` +
    `(split chosen by the ${report.decided_by})\n`);
  const rows = [['part', 'predicted', 'measured', 'least', 'most']];
  for (const part of [...PARTS, 'latency']) {
    const m = measured[part];
    rows.push([part, milliseconds(predicted && predicted[`${part}_s`]), milliseconds(m.median_s),
      milliseconds(m.min_s), milliseconds(m.max_s)]);
  }
  for (const [part, ...cells] of rows) {
    console.log(part.padEnd(10) + cells.map((cell) => cell.padStart(12)).join(''));
  }
  console.log(`\nmeasured: median, least and most of ${report.runs} inferences`);
}

module.exports = { PARTS, printTable, summary };
