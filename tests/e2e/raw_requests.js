'use strict';
// Sends requests to a server as they are, one after the other from a REQ socket, and prints the header
// of each reply: raw_requests.js ENDPOINT REQUEST..., each a JSON array of frames; a frame is a text,
// or a number for so many zero bytes.

const zmq = require('zeromq');

async function main() {
  const [endpoint, ...requests] = process.argv.slice(2);
  const socket = new zmq.Request({ linger: 0, sendTimeout: 10000, receiveTimeout: 10000 });
  socket.connect(endpoint);
  for (const request of requests) {
    const frames = JSON.parse(request).map((f) => (typeof f === 'number' ? Buffer.alloc(f) : f));
    await socket.send(frames);
    const [header] = await socket.receive();
    console.log(header.toString('utf8'));
  }
  socket.close();
}

main();
