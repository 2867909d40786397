'use strict';
// Stands in for kerf serve: answers every plan request with the given plan, or, without one, with an
// error. Prints its endpoint, then every request, one a line.

const fs = require('node:fs');
const zmq = require('zeromq');

async function main() {
  const plan = process.argv[2] ? JSON.parse(fs.readFileSync(process.argv[2], 'utf8')) : null;
  const socket = new zmq.Router({ linger: 0 });
  await socket.bind('tcp://127.0.0.1:*');
  console.log(socket.lastEndpoint);
  for await (const [peer, ...frames] of socket) {
    const request = JSON.parse(frames[frames.length - 1].toString('utf8'));
    fs.appendFileSync(process.argv[3] || '/dev/null', `${JSON.stringify(request)}\n`);
    const answer = plan ? { ok: true, plan }
      : { ok: false, error: { code: 'unknown_network', message: 'no such network', pointer: '/network' } };
    await socket.send([peer, ...frames.slice(0, -1), JSON.stringify({ v: 1, id: request.id, ...answer })]);
  }
}

main();
