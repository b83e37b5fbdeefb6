import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Client, Metadata, credentials, status, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { grpcTarget } from '../../../client/address.js';
import { AlirtcClient } from '../../../client/index.js';
import { footprintOf, type Footprint } from '../../integration/bad_input/footprint.js';
import { methodsOfContract, type Method } from '../../integration/bad_input/table/contract.js';
import { readMetrics } from '../../integration/node/metrics_text.js';
import { eventually } from '../../support/eventually.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { oddRequest, type RequestPool } from '../support/grpc_messages.js';
import { Random } from '../support/random.js';
import type { Finding } from '../support/report.js';
import { defectsIn } from './defects.js';
import { indexes, persistently, textOf, type LiveTarget } from './live_target.js';

const WORKERS = 6;
const ENGINES = 5;
const USERS = ['u0', 'u1', 'u2', 'u3', 'u4', 'u5'];
/** A call that waits for nothing answers long before. */
const LONG_MS = 25_000;
const MAX_GROWTH_BYTES = 300e6;
const NEVER: readonly status[] = [status.UNKNOWN, status.INTERNAL, status.UNIMPLEMENTED, status.DATA_LOSS];
/** Ends the daemon: called at the end. */
const ENDS = 'NodeService.Drain';

/** How often each method is called beside the others, so that engines come into channels and stay a while. */
const WEIGHTS: Readonly<Record<string, number>> = {
  'EngineService.CreateAliRTCEngine': 3,
  'EngineService.Release': 0.4,
  'EngineService.JoinChannel': 8,
  'EngineService.LeaveChannel': 0.6,
  'EngineService.SetExternalVideoSource': 3,
  'EngineService.SetExternalAudioSource': 3,
  'EngineService.SetParameter': 3,
  'MediaService.PushExternalVideoFrames': 4,
  'MediaService.PushExternalAudioFrames': 4,
};

class Run {
  readonly counts: Record<string, number> = {};
  readonly findings: Finding[] = [];
  readonly #methods: Method[] = methodsOfContract().filter(({ name }) => name !== ENDS);
  readonly #wheel: Method[];
  readonly pool: RequestPool = {
    engines: [],
    users: USERS,
    channels: [`g${randomBytes(3).toString('hex')}`],
    tokens: [],
  };
  readonly #client: Client;

  constructor(
    readonly daemon: RunningDaemon,
    readonly api: AlirtcClient,
    readonly seed: number,
  ) {
    this.#client = new Client(grpcTarget(daemon.address), credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    });
    this.#wheel = this.#methods.flatMap((method) =>
      Array<Method>(Math.round(10 * (WEIGHTS[method.name] ?? 1))).fill(method),
    );
  }

  async mint(): Promise<void> {
    const [channelId = ''] = this.pool.channels;
    for (const userId of USERS) {
      const { token, authInfo } = await this.api.generateToken({ channel: channelId, userId });
      this.pool.tokens.push({ token, userId, channelId, authInfo: authInfo as unknown as Record<string, unknown> });
    }
  }

  async step(index: number): Promise<void> {
    const random = new Random(`${this.seed}/calls/${index}`);
    let method = random.pick(this.#wheel);
    const isFull = this.pool.engines.length >= ENGINES;
    const wanted = this.pool.engines.length === 0 ? 'EngineService.CreateAliRTCEngine' : undefined;
    if (wanted !== undefined) method = this.#methods.find(({ name }) => name === wanted) ?? method;
    else if (isFull && method.name === 'EngineService.CreateAliRTCEngine') return;
    const request = oddRequest(random, method, this.pool, wanted !== undefined);
    this.#count('calls');
    const { code, message, response, late } = await this.#call(random, method, request);
    this.#count(code === status.OK ? 'ok' : status[code].toLowerCase());
    if (code === status.OK && method.name === 'EngineService.JoinChannel') this.#count('joins');
    if (NEVER.includes(code) || late)
      this.findings.push({
        case: `calls:${index}`,
        text: `${method.name} ended with ${status[code]} ${message}${late ? ' (late)' : ''}\n${JSON.stringify(request).slice(0, 1500)}`,
      });
    const id = response?.['engine_id'];
    if (method.name === 'EngineService.CreateAliRTCEngine' && typeof id === 'string') this.pool.engines.push(id);
    if (code === status.NOT_FOUND || method.name === 'EngineService.Release') await this.refresh();
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  async refresh(): Promise<void> {
    this.pool.engines = (await this.api.listEngines()).map(({ engineId }) => engineId);
  }

  close(): void {
    this.#client.close();
  }

  #call(random: Random, method: Method, request: object): Promise<Ended> {
    const isShort = random.chance(0.1);
    const deadline = Date.now() + (isShort ? random.pick([0, 1, 20, 200]) : LONG_MS);
    const isCut = random.chance(method.responseStream ? 0.9 : 0.05);
    const cutAfterMs = isCut ? random.pick([0, 1, 50, 1000, 3000]) : method.responseStream ? 4000 : LONG_MS + 5000;
    // What waits may take its time, and a stream is ended by us.
    const mayBeLate = isShort || isCut || method.responseStream || 'wait' in request;
    return new Promise((resolve) => {
      const end = (code: status, message: string, response?: Record<string, unknown>): void => {
        clearTimeout(cut);
        const late = code === status.DEADLINE_EXCEEDED && !mayBeLate && Date.now() >= deadline - 50;
        resolve({ code, message, late, response });
      };
      const call = this.#start(random, method, request, deadline, end);
      const cut = setTimeout(() => {
        call.cancel();
        // A stream that is not read does not tell its end either.
        call.resume?.();
      }, cutAfterMs);
    });
  }

  #start(random: Random, method: Method, request: object, deadline: number, end: OnEnd): Cancellable {
    const bytes = encoded(random, method, request);
    const fail = (error: ServiceError): void => end(error.code, error.details);
    if (!method.responseStream)
      return this.#client.makeUnaryRequest(method.path, asIs, asIs, bytes, { deadline }, (error, answer) => {
        if (error === null) end(status.OK, '', method.decode(answer ?? Buffer.alloc(0)));
        else fail(error);
      });
    this.#count('streams');
    const { path } = method;
    const listen = (stream: Readable): void => {
      stream.on('error', fail).on('end', () => end(status.OK, ''));
      if (random.chance(0.9)) stream.on('data', () => undefined);
    };
    if (!method.requestStream) {
      const stream = this.#client.makeServerStreamRequest(path, asIs, asIs, bytes, { deadline });
      listen(stream);
      return stream;
    }
    const stream = this.#client.makeBidiStreamRequest(path, asIs, asIs, new Metadata(), { deadline });
    listen(stream);
    this.#push(random, method, stream);
    return stream;
  }

  #push(random: Random, method: Method, stream: ClientDuplexStream<Buffer, Buffer>): void {
    const count = random.size(200);
    for (let at = 0; at < count; at++) {
      const isOpen = at === 0 ? random.chance(0.95) : random.chance(0.01);
      const part = oddRequest(random, method, this.pool, random.chance(0.85), isOpen ? 'open' : 'frame');
      stream.write(encoded(random, method, part));
    }
    if (random.chance(0.5)) stream.end();
  }
}

interface Cancellable {
  cancel: () => void;
  resume?: () => unknown;
}

interface Ended {
  code: status;
  message: string;
  response: Record<string, unknown> | undefined;
  late: boolean;
}
type OnEnd = (code: status, message: string, response?: Record<string, unknown>) => void;

const asIs = (bytes: Buffer): Buffer => bytes;

/** What the type does not hold becomes bytes that are no message. */
function encoded(random: Random, method: Method, request: object): Buffer {
  try {
    return method.encode(request);
  } catch {
    return random.bytes(random.size(100));
  }
}

async function leaveNothing(run: Run, before: Footprint): Promise<void> {
  const pid = run.daemon.ready.pid;
  await run.refresh();
  await Promise.all(run.pool.engines.map((id) => run.api.engine(id).release()));
  await eventually(async () => {
    const engines = await run.api.listEngines();
    const now = footprintOf(pid);
    if (engines.length > 0) return `${engines.length} engines`;
    if (now.children.length > before.children.length) return `processes ${now.children.join()}`;
    if (now.sockets.length > before.sockets.length) return `sockets ${now.sockets.join()}`;
    return now.descriptors > before.descriptors + 3
      ? `${now.descriptors - before.descriptors} descriptors more`
      : undefined;
  }, 30_000);
  const grown = footprintOf(pid).residentBytes - before.residentBytes;
  if (grown > MAX_GROWTH_BYTES) throw new Error(`the daemon grew by ${Math.round(grown / 1e6)} MB`);
  const { http } = run.daemon.ready as { http?: string };
  const metrics = readMetrics(await (await fetch(`${http}/metrics`)).text());
  const lost = metrics.value('alirtcd_core_restarts_total', { outcome: 'lost' }) ?? 0;
  if (lost > 0) throw new Error(`${lost} cores were lost`);
}

export const GRPC_CALLS: LiveTarget = {
  name: 'calls',
  run: async (options) => {
    const daemon = await persistently(() => startDaemon({ args: ['--capacity-ms', '1000000', '--log-level', 'info'] }));
    const api = await AlirtcClient.connect(daemon.address);
    const run = new Run(daemon, api, options.seed);
    // The daemon's own list of lines is short.
    const lines: string[] = [];
    if (daemon.child.stderr !== null)
      createInterface({ input: daemon.child.stderr }).on('line', (line) => lines.push(line));
    try {
      await api.listEngines();
      const before = footprintOf(daemon.ready.pid);
      await run.mint();
      const steps = indexes(options);
      const work = async (): Promise<void> => {
        for (const index of steps) {
          await run.step(index);
          const defects = defectsIn(lines.splice(0));
          for (const text of defects) run.findings.push({ case: `calls:${index}`, text });
          if (run.findings.length >= 15 || daemon.child.exitCode !== null) return;
        }
      };
      await Promise.all(Array.from({ length: WORKERS }, work));
      await leaveNothing(run, before);
    } catch (error) {
      run.findings.push({ case: 'calls:end', text: `${textOf(error)}\n${daemon.log().slice(-10).join('\n')}` });
    }
    run.close();
    api.close();
    const code = await daemon.stop();
    if (code !== 0) run.findings.push({ case: 'calls:end', text: `the daemon ended with ${code}` });
    return { counts: run.counts, findings: run.findings };
  },
};
