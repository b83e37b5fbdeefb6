import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { MessageDecoder } from '../../../coreservice/ipc/decoder.js';
import { CORE_TO_HOST, HOST_TO_CORE } from '../../../coreservice/ipc/direction.js';
import { encodeMessage } from '../../../coreservice/ipc/encoder.js';
import { KEYS, tokenFor } from '../../integration/channelserver/running_server.js';
import { CoreUnderTest, joinConfig } from '../../integration/core/support.js';
import { corpus } from '../support/corpus.js';
import { bytesOf, makeMessage, oddMessage } from '../support/ipc_messages.js';
import { startLocalServer } from '../support/local_server.js';
import { inPieces, mutate } from '../support/mutate.js';
import { Random } from '../support/random.js';
import type { Finding } from '../support/report.js';
import { defectsIn } from './defects.js';
import { indexes, persistently, textOf, within, type LiveTarget } from './live_target.js';

const JOIN_MS = 30_000;
const EXIT_MS = 20_000;
const DECLARED = [
  ['SET_EXTERNAL_VIDEO_SOURCE', { enable: true, source: 0, renderMode: 0 }],
  ['SET_EXTERNAL_AUDIO_SOURCE', { enable: true, sampleRate: 48_000, channelsPerFrame: 1 }],
] as const;

/** The host's end of the socket, as bytes. */
class RawHost {
  readonly names: string[] = [];
  readonly #decoder = new MessageDecoder(CORE_TO_HOST);
  #onName: () => void = () => undefined;
  broken: string | undefined;

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  static async connect(port: number): Promise<RawHost> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new RawHost(socket);
  }

  send(name: string, fields: Record<string, unknown>, payload?: Buffer): void {
    this.socket.write(Buffer.concat(encodeMessage(HOST_TO_CORE, name, fields, payload)));
  }

  async until(name: string): Promise<void> {
    while (!this.names.includes(name)) await new Promise<void>((resolve) => (this.#onName = resolve));
  }

  /** Resolves when more can be written, or nothing any more. */
  room(): Promise<void> {
    const { socket } = this;
    return new Promise((resolve) => {
      const settle = (): void => {
        socket.off('drain', settle).off('close', settle);
        resolve();
      };
      socket.once('drain', settle).once('close', settle);
      if (socket.destroyed) settle();
    });
  }

  #read(chunk: Buffer): void {
    if (this.broken !== undefined) return;
    try {
      this.#decoder.feed(chunk);
      for (let message = this.#decoder.next(); message !== undefined; message = this.#decoder.next()) {
        if (this.names.length < 10_000) this.names.push(message.name);
        this.#onName();
      }
    } catch (error) {
      this.broken = textOf(error);
    }
  }
}

async function join(host: RawHost, url: string, random: Random): Promise<void> {
  const fields = { channel: 'fuzz', userid: 'core', username: 'core' };
  const config = joinConfig({ subscribeAudioFormat: random.below(3), subscribeVideoFormat: random.below(2) });
  const token = await tokenFor('fuzz', 'core');
  host.send('JOIN_CHANNEL_V2', { ...fields, token, config, alirtcd: { url, token } });
  await within(JOIN_MS, 'the result of the join', host.until('JOIN_RESULT'));
}

function burst(random: Random): Buffer {
  const kind = random.below(10);
  if (kind < 5) return bytesOf(HOST_TO_CORE, makeMessage(random, HOST_TO_CORE, 60_000));
  if (kind < 8) return oddMessage(random, HOST_TO_CORE);
  return random.pick(corpus('ipc_commands'));
}

/** What a host may do to a real core: it ends in order, whatever comes. */
async function attack(random: Random, core: CoreUnderTest, url: string): Promise<void> {
  const host = await RawHost.connect(core.port);
  host.send('CREATE_RTC_ENGINE', { logPath: '/tmp', h5mode: false, extra: '{}' });
  if (random.chance(0.5)) await join(host, url, random);
  if (random.chance(0.8)) for (const [name, fields] of DECLARED) host.send(name, fields);
  const messages = Array.from({ length: 1 + random.size(150) }, () => burst(random));
  const isBroken = random.chance(0.5);
  const last = isBroken ? mutate(random, random.pick(messages), corpus('ipc_commands')) : Buffer.alloc(0);
  for (const message of [...messages, last])
    for (const piece of inPieces(random, message)) {
      if (host.socket.destroyed) break;
      if (!host.socket.write(piece)) await host.room();
    }
  await new Promise((resolve) => setTimeout(resolve, random.pick([0, 50, 400])));
  if (host.broken !== undefined) throw new Error(`the core sent: ${host.broken}`);
  const way = random.below(3);
  if (way === 0) host.socket.end();
  else if (way === 1) host.socket.resetAndDestroy();
  else host.socket.end(Buffer.concat(encodeMessage(HOST_TO_CORE, 'DESTROY_ENGINE', {})));
  try {
    const code = await within(EXIT_MS, 'the end of the core', core.exited);
    if (code !== 0) throw new Error(`the core ended with ${code}:\n${core.stderr.slice(-2500)}`);
  } finally {
    host.socket.destroy();
  }
}

export const CORE_FRAMES: LiveTarget = {
  name: 'core',
  run: async (options) => {
    const findings: Finding[] = [];
    let cases = 0;
    const server = await startLocalServer(KEYS, () => undefined);
    for (const index of indexes(options)) {
      await using core = await persistently(() => CoreUnderTest.start({ ALIRTCD_LOG_LEVEL: 'warn' }));
      try {
        await attack(new Random(`${options.seed}/core/${index}`), core, server.url);
        const defects = defectsIn(core.stderr.split('\n'));
        if (defects.length > 0) throw new Error(defects.slice(0, 3).join('\n'));
      } catch (error) {
        findings.push({ case: `core:${index}`, text: textOf(error) });
      }
      cases += 1;
      if (findings.length >= 10) break;
    }
    await server.close();
    return { counts: { cases }, findings };
  },
};
