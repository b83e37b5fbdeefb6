// A host as the vendor's wrapper is one, written from the page of the IPC alone: nothing of the project's own IPC code is used here.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const CORE = fileURLToPath(new URL('../../../dist/bin/AliRtcCoreService', import.meta.url));
const UNIT_LIMIT = 65_536;
const CONNECT_ATTEMPTS = 20;
const CONNECT_PAUSE_MS = 50;
const WAIT_MS = 15_000;

type Type = 'number' | 'integer' | 'string' | 'boolean' | 'pairs';
interface Spec {
  keys: Record<string, Type>;
  /** The key of the payload's size. */
  payload?: string;
  /** The payload may come in any number of units. */
  split?: true;
}

const integers = (text: string): Record<string, Type> =>
  Object.fromEntries(text.split(' ').map((key) => [key, 'integer' as const]));
const state: Spec = { keys: { ...integers('oldState newState elapseSinceLastState'), channel: 'string' } };
const userState: Spec = { keys: { uid: 'string', ...state.keys } };
const pcm = integers('type frame_ms sample_rates samples channels sample_bits frame_size');

/** Section 4 of the page: every callback, its keys with their types. */
const CALLBACKS: Readonly<Record<number, Spec>> = {
  1001: { keys: { joinresult: 'integer', channel: 'string', userid: 'string' } },
  1004: { keys: integers('leaveresult') },
  1005: { keys: { uid: 'string' } },
  1006: { keys: { uid: 'string' } },
  1007: { keys: { uid: 'string', ...integers('audioTrack videoTrack') } },
  1008: userState,
  1009: userState,
  1010: userState,
  1011: userState,
  1012: state,
  1013: state,
  1014: state,
  1015: state,
  1016: { keys: integers('oldRole newRole') },
  1017: { keys: integers('errorCode') },
  1018: { keys: integers('warningCode') },
  1019: { keys: { userid: 'string', size: 'integer' }, payload: 'size' },
  1020: { keys: { uid: 'string', ...integers('networkTime progress type dataLen') }, payload: 'dataLen' },
  1021: {
    keys: {
      uid: 'string',
      ...integers('track type frame_ms width height frame_num frame_size qp slice_type'),
      mv_infos: 'pairs',
    },
    payload: 'frame_size',
    split: true,
  },
  1022: { keys: { uid: 'string', ...pcm, stream_index: 'integer' }, payload: 'frame_size' },
  1023: { keys: pcm, payload: 'frame_size' },
  1024: { keys: { success: 'boolean' } },
  1025: {
    keys: { uid: 'string', ...integers('track type frame_ms width height frame_num frame_size') },
    payload: 'frame_size',
    split: true,
  },
  1026: { keys: { uid: 'string', ...integers('type frame_ms sample_rates channels buf_size') }, payload: 'buf_size' },
  1027: { keys: integers('type frame_ms sample_rates channels buf_size'), payload: 'buf_size' },
  1028: { keys: { success: 'boolean' } },
  1029: { keys: integers('audioBufferSize videoBufferSize') },
  1030: { keys: integers('status reason') },
  1031: { keys: {} },
  1032: { keys: { audiopath: 'string' } },
  1039: { keys: { isEnable: 'boolean' } },
  1040: { keys: { sdkVersion: 'string' } },
  1044: { keys: integers('sentenceID sequenceID') },
  1045: { keys: integers('sentenceID sequenceID') },
  1053: { keys: integers('soundId') },
  1059: { keys: { uid: 'string' } },
  1062: {
    keys: {
      ...integers(
        'availableSendBitrate sentKBitrate rcvdKBitrate sentBytes rcvdBytes videoRcvdKBitrate videoSentKBitrate callDuration sentLossRate sentLossPkts ' +
          'sentExpectedPkts rcvdLossRate rcvdLossPkts rcvdExpectedPkts lastmileDelay',
      ),
      systemCpu: 'number',
      appCpu: 'number',
    },
  },
  1063: {
    keys: integers(
      'track targetEncodeBitrate actualEncodeBitrate sentBitrate sentBitrateKbps sentFps encodeFps captureFps avgQpPerSec rtt sendBytes renderFps',
    ),
  },
  1064: {
    keys: {
      userId: 'string',
      ...integers(
        'track width height decodeFps renderFps frozenTimes videoTotalFrozenTime videoTotalFrozenRate rtpCount rtpLoss rtt recvBitrate ' +
          'rcvdBitrateKbps e2eDelay frameLoss pullBytes packetLossRate',
      ),
    },
  },
  1065: {
    keys: integers('track scene sentBitrate sentBitrateKbps sentSamplerate numChannel inputLevel rtt sendBytes'),
  },
  1066: {
    keys: {
      userId: 'string',
      ...integers(
        'track quality networkTransportDelay jitterBufferDelay audioLossRate rcvdBitrate rcvdBitrateKbps totalFrozenTimes audioTotalFrozenTime ' +
          'audioTotalFrozenRate rtt e2eDelay ai_e2eDelay pullBytes',
      ),
    },
  },
  1071: { keys: { uid: 'string', timeCost: 'integer' } },
};

const range = (last: number, first = 0): Set<number> =>
  new Set(Array.from({ length: last - first + 1 }, (_, index) => first + index));
const publishStates = { oldState: range(3), newState: range(3) };
const ERRORS = [
  0x02010201, 0x02010202, 0x02010203, 0x02010204, 0x02010205, 0x01020204, 0x01030101, 0x01030202, 0x01030302,
  0x01030303, 0x01030304, 0x03010201, 0x03010202, 0x01050201, 0x01050202, 0x01050203, 0x0102020c, 0x01030305,
  0x01010406, 0x01010450, 0x01010451, 0x01010452, 0x01010453, 0x01010454, 0x01030404, 0x01010550, 0x01010551,
  0x01010552, 0x01010553, 0x01010554, 0x01010555, 0x01060101, 0x01060102, 0x01060103, 0x01060104, 0x01060105,
  0x01060106, -1,
];

/** The closed enumerations: another number ends the vendor's host. */
const CLOSED: Readonly<Record<number, Record<string, ReadonlySet<number>>>> = {
  1007: { audioTrack: range(1), videoTrack: range(3) },
  1008: publishStates,
  1009: publishStates,
  1010: { oldState: range(2), newState: range(2) },
  1011: publishStates,
  1012: publishStates,
  1013: publishStates,
  1014: publishStates,
  1015: publishStates,
  1016: { oldRole: range(1), newRole: range(1) },
  1017: { errorCode: new Set(ERRORS) },
  1018: { warningCode: new Set([-1]) },
  1020: { type: range(2) },
  1021: { track: range(3), type: range(1) },
  1022: { type: range(1) },
  1023: { type: range(1) },
  1025: { track: range(3), type: range(1) },
  1026: { type: range(1) },
  1027: { type: range(1) },
  1030: { status: range(5), reason: range(12) },
  1063: { track: range(3) },
  1064: { track: range(3) },
};

export interface Said {
  request: number;
  fields: Record<string, unknown>;
  payload: Buffer;
  units: number;
  atMs: number;
}

export class ScriptedHost implements AsyncDisposable {
  readonly said: Said[] = [];
  /** Everything that the vendor's host could not have read. */
  readonly violations: string[] = [];
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #socket: net.Socket;
  readonly exited: Promise<number | null>;
  #pending = Buffer.alloc(0);
  #message: { request: number; fields: Record<string, unknown>; payload: Buffer[]; missing: number } | undefined;
  readonly #listeners = new Set<() => void>();

  private constructor(child: ChildProcess, socket: net.Socket, exited: Promise<number | null>, lines: string[]) {
    this.#child = child;
    this.#socket = socket;
    this.exited = exited;
    this.lines = lines;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => this.#read(chunk));
  }

  /** Section 1: a port that can be bound, the process, its line, up to 20 attempts to connect, CREATE_RTC_ENGINE. */
  static async start(extra: object | string, environment: Record<string, string>): Promise<ScriptedHost> {
    const wanted = await freePort();
    const child = spawn(CORE, [String(wanted)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    const lines: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
    const port = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no "Bind port:": ${lines.join('\n')}`)), WAIT_MS);
      createInterface({ input: child.stdout }).on('line', (line) => {
        const match = /^Bind port: (\d+)$/.exec(line);
        if (match === null) return void lines.push(line);
        clearTimeout(timer);
        resolve(Number(match[1]));
      });
    });
    const host = new ScriptedHost(child, await connect(port), exited, lines);
    host.send({
      Command: 1,
      logPath: '/tmp',
      h5mode: 0,
      extra: typeof extra === 'string' ? extra : JSON.stringify(extra),
    });
    return host;
  }

  /** Fields in their order; the payload in units of at most 65,536 bytes. */
  send(fields: Record<string, unknown>, payload?: Buffer): void {
    this.#unit(Buffer.from(JSON.stringify(fields)));
    for (let at = 0; payload !== undefined && at < payload.length; at += UNIT_LIMIT)
      this.#unit(payload.subarray(at, at + UNIT_LIMIT));
  }

  of(request: number): Said[] {
    return this.said.filter((one) => one.request === request);
  }

  /** The first callback of that number, from the index on, that fits. */
  async until(
    request: number,
    fits: (said: Said) => boolean = () => true,
    from = 0,
    timeoutMs = WAIT_MS,
  ): Promise<Said> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        const numbers = [...new Set(this.said.map((one) => one.request))].join(' ');
        reject(
          new Error(`no ${request} in ${timeoutMs} ms; there were ${numbers}; ${this.lines.slice(-5).join('\n')}`),
        );
      }, timeoutMs);
      const look = (): void => {
        const found = this.said.slice(from).find((one) => one.request === request && fits(one));
        if (found === undefined) return;
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(found);
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** As the wrapper does it: 39, wait for its answer, 16. */
  async subscribeAudio(uid: string, sub: boolean): Promise<void> {
    const from = this.said.length;
    this.send({ Command: 39, uid });
    await this.until(1039, undefined, from, 10_000);
    this.send({ Command: 16, uid, sub, denoise: false, voiceprint: false, asrvad: false, bind: false });
  }

  /** DESTROY_ENGINE is the last command; the child exits by itself. */
  async destroy(): Promise<number | null> {
    this.send({ Command: 23 });
    return Promise.race([this.exited, delay(WAIT_MS, null, { ref: false })]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await this.exited;
    }
  }

  #unit(bytes: Buffer): void {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes.length);
    this.#socket.write(Buffer.concat([head, bytes]));
  }

  #read(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 4 && this.#pending.length >= 4 + this.#pending.readUInt32BE(0)) {
      const size = this.#pending.readUInt32BE(0);
      this.#onUnit(Buffer.from(this.#pending.subarray(4, 4 + size)));
      this.#pending = this.#pending.subarray(4 + size);
    }
  }

  #onUnit(unit: Buffer): void {
    const open = this.#message;
    if (open !== undefined) {
      open.payload.push(unit);
      open.missing -= unit.length;
      if (CALLBACKS[open.request]?.split !== true && open.missing !== 0)
        this.violations.push(`${open.request}: a payload that is not one unit`);
      if (open.missing < 0) this.violations.push(`${open.request}: more payload than was said`);
      if (open.missing <= 0) this.#finish();
      return;
    }
    if (unit.every((byte) => byte === 0)) return;
    const fields = JSON.parse(unit.toString('utf8')) as Record<string, unknown>;
    const request = Number(fields['Request']);
    this.violations.push(...violationsOf(request, fields));
    const sizeKey = CALLBACKS[request]?.payload;
    const missing = sizeKey === undefined ? 0 : Number(fields[sizeKey]);
    this.#message = { request, fields, payload: [], missing };
    if (missing === 0) this.#finish();
  }

  #finish(): void {
    const message = this.#message;
    if (message === undefined) return;
    this.#message = undefined;
    const { request, fields, payload } = message;
    this.said.push({
      request,
      fields,
      payload: Buffer.concat(payload),
      units: payload.length,
      atMs: performance.now(),
    });
    for (const listener of this.#listeners) listener();
  }
}

function violationsOf(request: number, fields: Record<string, unknown>): string[] {
  const spec = CALLBACKS[request];
  if (spec === undefined) return [`a callback that the page does not have: ${JSON.stringify(fields)}`];
  const wrong = Object.entries(spec.keys)
    .filter(([key, type]) => !isOf(type, fields[key]))
    .map(([key, type]) => `${request}: ${key} is ${JSON.stringify(fields[key])}, no ${type}`);
  const unlisted = Object.entries(CLOSED[request] ?? {})
    .filter(([key, allowed]) => !allowed.has(fields[key] as number))
    .map(([key]) => `${request}: ${key} ${String(fields[key])} is not in the closed list`);
  const further = Object.keys(fields)
    .filter((key) => key !== 'Request' && key !== 'alirtcd' && !(key in spec.keys))
    .map((key) => `${request}: a key of nobody's, ${key}`);
  return [...wrong, ...unlisted, ...further];
}

function isOf(type: Type, value: unknown): boolean {
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'pairs') return Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2);
  return typeof value === type;
}

async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const port = 42_000 + Math.floor(Math.random() * 3001);
    const server = net.createServer();
    const bound = await Promise.race([
      once(server.listen(port, '127.0.0.1'), 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]).catch(() => false);
    if (!bound) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no free port');
}

async function connect(port: number): Promise<net.Socket> {
  for (let attempt = 1; ; attempt++) {
    const socket = net.connect({ port, host: 'localhost', noDelay: true });
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    if (connected) return socket;
    if (attempt === CONNECT_ATTEMPTS) throw new Error(`no connection to port ${port}`);
    await delay(CONNECT_PAUSE_MS);
  }
}
