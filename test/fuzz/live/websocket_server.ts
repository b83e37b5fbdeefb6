import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { descriptorsOf, residentBytes } from '../../integration/bad_input/footprint.js';
import { RunningServer, tokenFor } from '../../integration/channelserver/running_server.js';
import { eventually } from '../../support/eventually.js';
import { corpus } from '../support/corpus.js';
import { mutate } from '../support/mutate.js';
import { Random } from '../support/random.js';
import type { Finding } from '../support/report.js';
import { oddFrame, oddJoinRequest } from '../support/signal_messages.js';
import { defectsIn } from './defects.js';
import { indexes, persistently, textOf, type LiveTarget } from './live_target.js';
import { Witness } from './witness.js';

const ROOM = 'witnessed';
const HOSTILES = 4;
/** One hostile client, from its first byte to its end. */
const CLIENT_MS = 8000;
const MAX_GROWTH_BYTES = 300e6;
const LEFT_MS = 40_000;

function query(random: Random): string {
  const words = ['auto_subscribe', 'reconnect', 'sid', 'client_protocol', 'sdk', 'x', 'adaptive_stream'];
  return Array.from(
    { length: random.below(5) },
    () => `&${random.pick(words)}=${encodeURIComponent(random.bytes(random.size(60)).toString('latin1'))}`,
  ).join('');
}

/** Bytes at the port: HTTP that is hardly one. */
async function rawBytes(random: Random, port: number, token: string): Promise<void> {
  const request = `GET /rtc?access_token=${token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined).on('data', () => undefined);
  await once(socket, 'connect');
  if (random.chance(0.5)) {
    socket.write(mutate(random, Buffer.from(request)));
  } else {
    // A valid upgrade, then frames whose heads are anything (RFC 6455 section 5.2).
    socket.write(request);
    await delay(30);
    for (let count = random.below(20); count > 0 && socket.writable; count--)
      socket.write(Buffer.concat([Buffer.of(random.below(256), random.below(256)), random.bytes(random.size(300))]));
  }
  await delay(random.below(300));
  if (random.chance(0.5)) socket.resetAndDestroy();
  else socket.destroy();
}

async function http(random: Random, base: string, token: string): Promise<void> {
  const paths = ['/', '/rtc/validate', '/rtc/v1/validate', '/alirtc/v1/exchange', '/rtc', '/%00', '/..%2f..', '//'];
  const method = random.pick(['GET', 'POST', 'PUT', 'OPTIONS', 'DELETE', 'HEAD']);
  const body = method === 'POST' || method === 'PUT' ? random.bytes(random.size(40_000)) : undefined;
  const url = `${base}${random.pick(paths)}?access_token=${random.chance(0.5) ? token : ''}${query(random)}`;
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(CLIENT_MS),
  }).catch(() => undefined);
  await response?.arrayBuffer().catch(() => undefined);
  if (response !== undefined && response.status >= 500)
    throw new Error(`${method} ${url} was answered by ${response.status}`);
}

function frameOf(random: Random): Buffer | string {
  const kind = random.below(40);
  if (kind === 0) return 'text';
  if (kind === 1) return Buffer.alloc(random.pick([1 << 20, (1 << 20) + 1, 3_000_000]));
  if (kind === 2) return random.bytes(random.size(2000));
  if (kind < 12) return random.pick(corpus('signal_requests'));
  return oddFrame(random, 'signal_requests');
}

/** A client that joins, then says what it likes. */
async function client(random: Random, url: string, token: string): Promise<void> {
  const isSingle = random.chance(0.4);
  const used = random.chance(0.95)
    ? token
    : mutate(random, Buffer.from(token))
        .toString('latin1')
        .replace(/[^\x21-\x7e]/g, '');
  const parameters = isSingle ? `&join_request=${encodeURIComponent(oddJoinRequest(random))}` : query(random);
  const socket = new WebSocket(
    `${url}${isSingle ? '/rtc/v1' : '/rtc'}?access_token=${encodeURIComponent(used)}${parameters}`,
    { perMessageDeflate: false },
  );
  socket.on('error', () => undefined).on('message', () => undefined);
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      if ((response.statusCode ?? 0) === 500) socket.emit('error', new Error('500'));
      resolve();
    });
  });
  await Promise.race([once(socket, 'open').catch(() => undefined), ended, delay(CLIENT_MS)]);
  for (let count = 1 + random.size(60); count > 0 && socket.readyState === WebSocket.OPEN; count--) {
    const isLast = random.chance(0.95);
    socket.send(frameOf(random), { fin: isLast });
    if (!isLast) socket.send(random.bytes(random.size(100)), { fin: random.chance(0.9) });
    if (random.chance(0.1)) socket.ping(random.bytes(random.below(125)));
    if (random.chance(0.4)) await delay(random.below(40));
  }
  if (random.chance(0.3) && socket.readyState === WebSocket.OPEN) socket.close(random.pick([1000, 3000, 4999]));
  await Promise.race([ended, delay(random.below(400))]);
  socket.terminate();
}

async function attack(random: Random, server: RunningServer, index: number): Promise<void> {
  const room = random.chance(0.7) ? ROOM : `other-${random.below(5)}`;
  const token = await tokenFor(room, `hostile-${index % 12}`);
  const kind = random.below(10);
  if (kind === 0) await rawBytes(random, Number(new URL(server.url).port), token);
  else if (kind === 1) await http(random, server.httpUrl, token);
  else await client(random, server.url, token);
}

async function leaveNothing(pid: number, before: { descriptors: number; memory: number }): Promise<void> {
  await eventually(() => {
    const now = descriptorsOf(pid);
    return now <= before.descriptors + 3 ? undefined : `${now - before.descriptors} descriptors more than at the start`;
  }, LEFT_MS);
  const grown = residentBytes(pid) - before.memory;
  if (grown > MAX_GROWTH_BYTES) throw new Error(`the server grew by ${Math.round(grown / 1e6)} MB`);
}

export const SIGNALS_OF_THE_SERVER: LiveTarget = {
  name: 'server',
  run: async (options) => {
    const findings: Finding[] = [];
    let clients = 0;
    await using server = await persistently(() => RunningServer.start());
    await using witness = await persistently(() => Witness.start(server.url, ROOM));
    const pid = server.child.pid ?? 0;
    await delay(500);
    const before = { descriptors: descriptorsOf(pid), memory: residentBytes(pid) };
    let seen = 0;
    const steps = indexes(options);
    const work = async (): Promise<void> => {
      for (const index of steps) {
        try {
          await attack(new Random(`${options.seed}/server/${index}`), server, index);
          const complaint = witness.complaint();
          if (complaint !== undefined) throw new Error(complaint);
          const defects = defectsIn(server.stderrLines.slice(seen));
          seen = server.stderrLines.length;
          if (defects.length > 0) throw new Error(defects.slice(0, 3).join('\n'));
        } catch (error) {
          findings.push({ case: `server:${index}`, text: textOf(error) });
        }
        clients += 1;
        if (findings.length >= 12 || server.child.exitCode !== null) return;
      }
    };
    await Promise.all(Array.from({ length: HOSTILES }, work));
    await leaveNothing(pid, before).catch((error: unknown) =>
      findings.push({ case: 'server:end', text: textOf(error) }),
    );
    if (server.child.exitCode !== null || server.child.signalCode !== null)
      findings.push({ case: 'server:end', text: `the server ended: ${server.stderrLines.slice(-5).join('\n')}` });
    return { counts: { clients, 'witnessed packets': witness.packets }, findings };
  },
};
