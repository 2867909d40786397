'use strict';
// Which of the splits at hand to run: what the planning service says for the link as it is now, or
// else a plan file, or else the first.

const zmq = require('zeromq');
const { placement, readJson } = require('./split');

// The answer of `kerf serve` to a plan request, or null with the reason on stderr.
async function askService(endpoint, timeoutMs, request, say) {
  const socket = new zmq.Dealer({ linger: 0, sendTimeout: timeoutMs, receiveTimeout: timeoutMs,
    maxMessageSize: 64 * 1024 * 1024 });
  try {
    socket.connect(endpoint);
    await socket.send(JSON.stringify({ v: 1, id: 1, op: 'plan', ...request }));
    const frames = await socket.receive();
    const answer = JSON.parse(frames[frames.length - 1].toString('utf8'));
    if (answer.ok && answer.plan && answer.plan.cut) return answer.plan;
    say(`the planning service at ${endpoint} refused: ${answer.error && answer.error.message}`);
  } catch (error) {
    say(error.code === 'EAGAIN'
      ? `no planning service answers at ${endpoint}`
      : `the planning service at ${endpoint}: ${error.message}`);
  } finally {
    socket.close();
  }
  return null;
}

// The question that the splits were made for, with the link that the user states.
function planRequest(plan, options) {
  const link = {};
  for (const key of ['uplink', 'downlink', 'rtt']) {
    if (options[key] !== undefined) link[key] = options[key];
  }
  const { name, weight_energy: energy, weight_latency: latency } = plan.objective;
  const request = {
    network: options.network || plan.network.name,
    device: plan.device,
    power_mode: plan.power_mode,
    server: plan.server,
    link: Object.keys(link).length > 0 ? { base: plan.link, ...link } : plan.link,
    objective: name === 'weighted' ? `weighted:energy=${energy},latency=${latency}` : name,
  };
  if (plan.wire && plan.wire !== 'own') request.wire = plan.wire;
  if (plan.result === 'server') request.result = plan.result;
  return request;
}

// Returns {split, plan, decidedBy}; plan is what predicts the latency.
async function chooseSplit(splits, options, say) {
  const first = splits[0];
  let plan = null;
  let decidedBy = 'manifest';
  if (options.service !== 'none' && first.manifest.plan) {
    plan = await askService(options.service, options.serviceTimeoutMs,
      planRequest(first.manifest.plan, options), say);
    if (plan) decidedBy = 'service';
  }
  if (!plan && options.plan) {
    plan = readJson(options.plan);
    if (!plan || !plan.cut || !Array.isArray(plan.cut.device_operators)) {
      throw new Error(`${options.plan}: not a plan: /cut/device_operators is missing`);
    }
    decidedBy = 'plan';
  }
  if (!plan) return { split: first, plan: first.manifest.plan, decidedBy };
  const wanted = placement(plan);
  const split = splits.find((s) => s.manifest.plan && placement(s.manifest.plan) === wanted);
  if (split) return { split, plan, decidedBy };
  const problem = `the ${decidedBy} runs ${plan.cut.device_operators.length} operators on the ` +
    'device, which none of the given splits does';
  if (decidedBy === 'plan') throw new Error(`${options.plan}: ${problem}`);
  say(`${problem}; going on with ${first.file}`);
  return { split: first, plan: first.manifest.plan, decidedBy: 'manifest' };
}

module.exports = { chooseSplit };
