import * as z from 'zod';
import type { Logger } from '../../common/logger.js';
import type { PictureLaneReport, PictureLanes as LaneList, VersionExtension } from '../ipc/extension.js';
import type { EngineClock } from './clock.js';
import type { LaneServer } from './contracts.js';
import { demandOfLane, type DemandState } from './demand.js';
import type { Outbox } from './outbox.js';
import { PictureLane, type LanePicture } from './picture_lane.js';
import { SDK_VERSION } from './sdk_version.js';

const MAX_LANES = 1024;
const MAX_ENTRIES = 4096;
/** A client that takes what is left no more, without closing. */
const LINGER_MS = 5000;
/** The same when the process is about to end. */
const LAST_LINGER_MS = 200;
const REPORT_MS = 1000;

const LanesJson = z.object({
  path: z.string().min(1),
  lanes: z
    .array(
      z.object({
        id: z.number().int(),
        secret: z.string().regex(/^[0-9a-f]{64}$/i, 'has to be 32 bytes in hexadecimal'),
        uids: z.array(z.string()).max(MAX_ENTRIES),
        tracks: z.array(z.number().int()).max(64),
      }),
    )
    .max(MAX_LANES)
    .refine((lanes) => new Set(lanes.map(({ id }) => id)).size === lanes.length, 'an id is there twice'),
});

/** Throws a ZodError for what is no list of lanes. Its text has no secret. */
export function parsePictureLanes(json: unknown): LaneList {
  return LanesJson.parse(json);
}

export interface PictureLanesParts {
  clock: EngineClock;
  logger: Logger;
  outbox: Outbox;
  demand: DemandState;
  laneServer(path: string): LaneServer;
}

/** Clients that get pictures from this process itself (PictureLanes of ipc/extension.ts): who they are, what each gets, and what the host is told of it. */
export class PictureLanes {
  readonly #lanes = new Map<number, PictureLane>();
  /** Those that can get pictures now. */
  #open: PictureLane[] = [];
  /** Closed, and the host has not been told. */
  readonly #closed: PictureLane[] = [];
  #path: string | undefined;
  #server: LaneServer | undefined;
  #starting: Promise<void> | undefined;
  #isStarted = false;
  #lastReportMs = -Infinity;

  constructor(private readonly parts: PictureLanesParts) {}

  /** The whole list. One that is missing ends; one that is known stays as it is. Throws for another path than before. */
  set({ path, lanes }: LaneList): void {
    if (lanes.length > 0) this.#path ??= path;
    if (path !== (this.#path ?? path)) throw new Error(`path: the lanes of this process are at ${this.#path}`);
    const wanted = new Set(lanes.map(({ id }) => id));
    const missing = [...this.#lanes].filter(([id]) => !wanted.has(id));
    for (const [id, lane] of missing) this.#end(id, lane);
    for (const wish of lanes)
      if (!this.#lanes.has(wish.id)) this.#lanes.set(wish.id, new PictureLane(wish, (lane) => this.#onChange(lane)));
    if (lanes.length > 0) this.#starting ??= this.#start(path);
    const offered = this.#isStarted && this.#offer();
    if (missing.length > 0) this.#changed();
    else if (offered) this.tell();
  }

  wants(uid: string, track: number): boolean {
    return this.#open.some((lane) => lane.wants(uid, track));
  }

  /** To everybody who wants it. What is read of it has been read when this returns. */
  deliver(picture: LanePicture): void {
    for (const lane of this.#open) if (lane.wants(picture.uid, picture.track)) lane.deliver(picture);
    if (this.parts.clock.nowMs() - this.#lastReportMs >= REPORT_MS) this.tell();
  }

  forget(uid: string): void {
    for (const lane of this.#open) lane.forget(uid);
  }

  /** Says it to the host, asked or unasked. */
  tell(): void {
    this.#lastReportMs = this.parts.clock.nowMs();
    const pictureLanes = this.#report();
    const alirtcd: VersionExtension = { pictureLanes };
    this.parts.outbox.event('SDK_VERSION', { sdkVersion: SDK_VERSION, alirtcd: { ...alirtcd } });
  }

  /** What was written goes out. Within a fifth of a second and what the sockets take to close. */
  async close(): Promise<void> {
    for (const lane of this.#lanes.values()) lane.end(this.parts.clock, LAST_LINGER_MS);
    this.#lanes.clear();
    this.#open = [];
    await this.#starting;
    await this.#server?.close();
  }

  async #start(path: string): Promise<void> {
    const server = this.parts.laneServer(path);
    this.#server = server;
    try {
      await server.start();
    } catch (error) {
      this.parts.logger.warn({ err: error }, 'no picture lanes');
    }
    this.#isStarted = true;
    if (this.#offer()) this.tell();
  }

  /** What waits for the sockets. True when there was something. */
  #offer(): boolean {
    const server = this.#server;
    const waiting = [...this.#lanes.values()].filter(({ state }) => state === 'requested');
    if (server === undefined) return false;
    for (const lane of waiting) {
      lane.offer(server);
      if (lane.state === 'closed') this.#closed.push(lane);
    }
    return waiting.length > 0;
  }

  #end(id: number, lane: PictureLane): void {
    this.#lanes.delete(id);
    // Else the host knows.
    if (lane.state !== 'closed') this.#closed.push(lane);
    lane.end(this.parts.clock, LINGER_MS);
  }

  /** It has opened, or its client went: then it stays in the list until the host takes it out. */
  #onChange(lane: PictureLane): void {
    if (lane.state === 'closed') this.#closed.push(lane);
    this.#changed();
  }

  #changed(): void {
    this.#open = [...this.#lanes.values()].filter(({ state }) => state === 'open');
    this.parts.demand.setLanes(this.#open.flatMap(({ selection }) => demandOfLane(selection)));
    this.tell();
  }

  #report(): PictureLaneReport[] {
    const lanes = [...this.#lanes.values()].filter(({ state }) => state === 'offered' || state === 'open');
    return [...lanes, ...this.#closed.splice(0)].map((lane) => lane.report());
  }
}
