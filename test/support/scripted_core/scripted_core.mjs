#!/usr/bin/env node
// A small core service that does what a test says. Written from the description of the IPC alone (spec/core-service-ipc.md): it shares no code with the
// project, so that it stands for a core that others wrote.
//
// Started as `scripted_core.mjs <port>`. It answers what must be answered (39, 40, 32), joins and leaves at once, and publishes and subscribes without delay.
// CREATE_RTC_ENGINE's `extra` may hold {"scripted": {"control": "/path/of/a/socket", "ignore": [numbers]}}: it then tells the control socket every
// command as a JSON line, and does what the lines from there say: {"send": {...}, "payload": base64}, {"frames": {...}}, {"raw": base64}, {"exit": code}, {"ignore": [...]}.
import { createHash } from 'node:crypto';
import net from 'node:net';

const UNIT_LIMIT = 65_536;
/** Key of the payload's size, of the commands that have one. */
const COMMAND_PAYLOAD = { 3: 'dataLen', 4: 'sampleLength', 15: 'length', 22: 'dataLen' };
const SIZE_KEY = {
  1019: 'size',
  1020: 'dataLen',
  1021: 'frame_size',
  1022: 'frame_size',
  1023: 'frame_size',
  1025: 'frame_size',
  1026: 'buf_size',
  1027: 'buf_size',
};
const PUBLISH_STATE = { 9: 1013, 10: 1014, 11: 1015, 12: 1012 };
const SUBSCRIBE_STATE = { 16: 1008, 17: 1009 };

let socket;
let control;
let ignore = new Set();
let channel = '';
let credits = false;
let role = 1;
const states = new Map();
const consumed = { audioConsumedMs: 0, cameraConsumed: 0, screenConsumed: 0 };
let bytesPerMs = 96;
/** Frames that are being sent. */
let sending = Promise.resolve();

const server = net.createServer((accepted) => {
  server.close();
  socket = accepted;
  socket.setNoDelay(true);
  let pending = Buffer.alloc(0);
  let message;
  let payload = [];
  let missing = 0;
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length - 4 >= pending.readUInt32BE(0)) {
      const size = pending.readUInt32BE(0);
      const unit = pending.subarray(4, 4 + size);
      pending = pending.subarray(4 + size);
      if (missing > 0) {
        payload.push(unit);
        missing -= unit.length;
      } else if (size > 0) {
        message = JSON.parse(unit.toString('utf8'));
        payload = [];
        missing = message[COMMAND_PAYLOAD[message.Command]] ?? 0;
      } else continue;
      if (missing === 0)
        onCommand(
          message,
          Buffer.concat(payload),
          payload.map((part) => part.length),
        );
    }
  });
  socket.on('close', () => process.exit(0));
  socket.on('error', () => process.exit(0));
});
server.listen(Number(process.argv[2]), '127.0.0.1', () =>
  process.stdout.write(`Bind port: ${server.address().port}\n`),
);

function unit(bytes) {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  socket.write(head);
  return socket.write(bytes);
}

/** A callback, its payload in units of at most 64 kB where that is allowed. */
function send(fields, payload) {
  const key = SIZE_KEY[fields.Request];
  unit(Buffer.from(JSON.stringify(key === undefined ? fields : { ...fields, [key]: payload.length })));
  if (key === undefined) return;
  const step = fields.Request === 1021 || fields.Request === 1025 ? UNIT_LIMIT : Math.max(1, payload.length);
  for (let at = 0; at < payload.length; at += step) unit(payload.subarray(at, at + step));
}

function onCommand(message, payload, units) {
  const number = message.Command;
  if (number === 1) connectControl(JSON.parse(message.extra || '{}').scripted ?? {});
  control?.write(
    `${JSON.stringify({ command: message, payloadBytes: payload.length, units, sha256: sha256(payload), head: payload.subarray(0, 16).toString('hex') })}\n`,
  );
  if (!ignore.has(number)) answer(number, message, payload);
}

function answer(number, message, payload) {
  if (number === 2 || number === 24 || number === 41) {
    const { channel: id, userid } = message.authInfo ?? message;
    channel = id;
    send({ Request: 1001, joinresult: 0, channel: id, userid });
  } else if (number === 3) consume(message.source === 1 ? 'screenConsumed' : 'cameraConsumed', 1);
  else if (number === 4) consume('audioConsumedMs', payload.length / bytesPerMs);
  else if (number === 5) {
    if (channel !== '') send({ Request: 1016, oldRole: role, newRole: message.role });
    role = message.role;
  } else if (number === 6) {
    channel = '';
    states.clear();
    send({ Request: 1004, leaveresult: 0 });
  } else if (number === 8) bytesPerMs = (message.sampleRate * message.channelsPerFrame * 2) / 1000;
  else if (number in PUBLISH_STATE && channel !== '') move(PUBLISH_STATE[number], {}, message.enable ? 3 : 1);
  else if (number in SUBSCRIBE_STATE) move(SUBSCRIBE_STATE[number], { uid: message.uid }, message.sub ? 3 : 1);
  else if (number === 21) onParameter(JSON.parse(message.param));
  else if (number === 32) send({ Request: 1029, audioBufferSize: 120, videoBufferSize: 3, ...extension() });
  else if (number === 39) send({ Request: 1039, isEnable: false });
  else if (number === 40) send({ Request: 1040, sdkVersion: 'scripted' });
  else if (number === 23) process.exit(0);
}

function move(request, who, newState) {
  const key = `${request} ${who.uid ?? ''}`;
  const oldState = states.get(key) ?? 0;
  if (oldState === newState) return;
  states.set(key, newState);
  send({ Request: request, ...who, oldState, newState, elapseSinceLastState: 5, channel });
}

function onParameter(parameter) {
  if (parameter.alirtcd?.credits === true) credits = true;
}

/** Pushed media leaves this core's queue at once. */
function consume(key, amount) {
  consumed[key] += amount;
  if (credits) send({ Request: 1029, audioBufferSize: 0, videoBufferSize: 0, ...extension() });
}

function extension() {
  return credits ? { alirtcd: consumed } : {};
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function connectControl({ control: path, ignore: numbers = [] }) {
  ignore = new Set(numbers);
  if (path === undefined) return;
  control = net.connect(path);
  control.on('error', () => undefined);
  let text = '';
  control.setEncoding('utf8');
  control.on('data', (chunk) => {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop();
    for (const line of lines) obey(JSON.parse(line));
  });
}

function obey(order) {
  if (order.send) send(order.send, Buffer.from(order.payload ?? '', 'base64'));
  if (order.raw) socket.write(Buffer.from(order.raw, 'base64'));
  if (order.ignore) ignore = new Set(order.ignore);
  if (order.frames) sending = sending.then(() => sendFrames(order.frames));
  if (order.behind) sending = sending.then(() => send(order.behind));
  if (order.exit !== undefined) {
    process.stdout.write('the script says: exit\n');
    process.exit(order.exit);
  }
}

/** `count` frames, numbered by alirtcd.sequence from `first` on; the payload begins with the number, then repeats its low byte. */
async function sendFrames({ fields, count, first = 1, payloadBytes, keyFrameEvery = 0 }) {
  for (let sequence = first; sequence < first + count; sequence += 1) {
    const payload = Buffer.alloc(payloadBytes, sequence & 255);
    payload.writeUInt32BE(sequence);
    const keyFrame = keyFrameEvery > 0 ? { keyFrame: (sequence - 1) % keyFrameEvery === 0 } : {};
    send({ ...fields, alirtcd: { sequence, captureTimeUs: 1_700_000_000_000_000 + sequence, ...keyFrame } }, payload);
    if (socket.writableNeedDrain) await new Promise((resolve) => socket.once('drain', resolve));
  }
}
