'use strict';
// The device's side of the connection to the server.

const zmq = require('zeromq');
const { now, pack, unpack } = require('./wire');

// A result may be larger than what was sent; this only bounds what a broken peer can make us hold.
const MAX_FRAME_BYTES = 2 ** 31;

class Client {
  constructor(endpoint, timeoutMs) {
    this.endpoint = endpoint;
    this.timeoutMs = timeoutMs;
    this.lastId = 0;
    this.socket = new zmq.Dealer({
      linger: 0, sendTimeout: timeoutMs, receiveTimeout: timeoutMs, maxMessageSize: MAX_FRAME_BYTES,
    });
    this.socket.connect(endpoint);
  }

  close() {
    this.socket.close();
  }

  // Sends one request and waits for its reply. Beside that, returns when the request was given to
  // the socket and when the reply had arrived, in seconds.
  async request(header, tensors) {
    const id = ++this.lastId;
    const frames = pack({ ...header, id }, tensors);
    const sent = now();
    const deadline = sent + this.timeoutMs / 1000;
    await this.exchange(header.op, () => this.socket.send(frames));
    for (;;) {
      const reply = await this.exchange(header.op, () => this.socket.receive());
      const received = now();
      const { header: answer, tensors: results } = unpack(reply);
      if (answer.id !== id) {
        if (received > deadline) throw this.timedOut(header.op);
        continue; // the late answer to a request that was given up
      }
      if (!answer.ok) {
        const { code, message } = answer.error || {};
        throw new Error(`${this.endpoint}: ${header.op}: ${message} (${code})`);
      }
      return { answer, results, sent, received };
    }
  }

  async exchange(op, action) {
    try {
      return await action();
    } catch (error) {
      if (error.code === 'EAGAIN') throw this.timedOut(op);
      throw error;
    }
  }

  timedOut(op) {
    return new Error(`${this.endpoint}: ${op}: no answer within ${this.timeoutMs} ms; ` +
      'is the server running?');
  }

  // The server's clock against ours, from the exchange that took the least time: as accurate as both
  // directions are alike for a message of a few bytes. Also warms the connection up.
  async synchronise(times = 9) {
    let best = null;
    for (let i = 0; i < times; i++) {
      const { answer, sent, received } = await this.request({ op: 'ping' });
      const roundTrip = received - sent - (answer.sent_s - answer.received_s);
      if (best === null || roundTrip < best.roundTrip) {
        best = { roundTrip, offset: (answer.received_s - sent + answer.sent_s - received) / 2 };
      }
    }
    return best;
  }
}

module.exports = { Client };
