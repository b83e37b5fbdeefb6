/**
 * Preloaded into a process (NODE_OPTIONS=--import) it makes the process's UDP bad: a known share of the media packets is dropped, by a seeded pattern, and everything is
 * delayed. BAD_NETWORK names a file with {inPercent, outPercent, delayMs, seed}; SIGUSR2 has it read again. STUN, DTLS and RTCP are delayed but not dropped, so the
 * share is that of the media alone.
 */
import dgram from 'node:dgram';
import { readFileSync } from 'node:fs';
import { setImmediate, setTimeout } from 'node:timers';

const file = process.env['BAD_NETWORK'];
let settings = { inPercent: 0, outPercent: 0, delayMs: 0, seed: 1 };
if (file !== undefined) {
  const read = () => void (settings = { ...settings, ...JSON.parse(readFileSync(file, 'utf8')) });
  read();
  process.on('SIGUSR2', read);
}

/** Numbers from 0 to 99 in a sequence of its own for each direction (a linear congruential generator). */
function dice() {
  let state;
  return () => {
    state = (Math.imul(state ?? settings.seed, 1_664_525) + 1_013_904_223) >>> 0;
    return (100 * state) / 2 ** 32;
  };
}

/** RTP and not RTCP: RFC 7983 section 7, RFC 5761 section 4. */
function isMedia(datagram) {
  const [first, second] = datagram;
  return first >= 128 && first <= 191 && !(second >= 192 && second <= 223);
}

const rolls = { in: dice(), out: dice() };
const { emit, send } = dgram.Socket.prototype;

dgram.Socket.prototype.emit = function (name, ...args) {
  if (name !== 'message') return emit.call(this, name, ...args);
  if (isMedia(args[0]) && rolls.in() < settings.inPercent) return true;
  if (settings.delayMs === 0) return emit.call(this, name, ...args);
  setTimeout(() => emit.call(this, name, ...args), settings.delayMs);
  return true;
};

dgram.Socket.prototype.send = function (datagram, ...args) {
  const sent = args.find((argument) => typeof argument === 'function');
  if (isMedia(datagram) && rolls.out() < settings.outPercent) {
    if (sent !== undefined) setImmediate(sent, null, datagram.length);
    return;
  }
  if (settings.delayMs === 0) return send.call(this, datagram, ...args);
  // The sender may use its memory again at once, and may have closed the socket by then.
  const copy = Buffer.from(datagram);
  setTimeout(() => {
    try {
      send.call(this, copy, ...args);
    } catch {
      sent?.(null, copy.length);
    }
  }, settings.delayMs);
};
