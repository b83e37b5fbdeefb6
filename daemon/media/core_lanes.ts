import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { PictureLaneReport, PictureLanes, VersionExtension } from '../../coreservice/ipc/extension.js';
import type { Clock } from '../clock.js';
import { refusal } from '../refusals.js';
import type { Selection } from './demand.js';

const SECRET_BYTES = 32;
/** The core forgets a secret after ten seconds (media.proto, FrameLane). */
const CONNECT_MS = 11_000;

/** The stream whose pictures go by a lane. */
export interface LaneUser {
  readonly selection: Selection;
  /** The core waits for the client, who is to be told. Again with each core process. */
  offered(lane: { path: string; secret: Buffer }): void;
  /** This core cannot have the lane: pictures have to go through the daemon. */
  refused(): void;
  /** No more pictures come. */
  lost(error: Error): void;
  /** What the lane delivered and dropped that was not known yet when it was closed. */
  settled(delivered: number, dropped: number): void;
}

/** One stream's way around the daemon. */
export interface CoreLane {
  readonly user: LaneUser;
  /** Pictures so far, of all core processes, as far as the core has told. */
  readonly delivered: number;
  readonly dropped: number;
}

interface Lane extends CoreLane {
  id: number;
  secret: Buffer;
  state: 'requested' | PictureLaneReport['state'];
  delivered: number;
  dropped: number;
  /** Of the core processes before. */
  past: { delivered: number; dropped: number };
  stopWaiting: () => void;
}

/**
 * The direct picture lanes of one engine (docs/boundary.md, Pictures from the core to the client): which streams have one, what the core is told of them, what it tells. Nothing of a
 * picture passes here.
 */
export class CoreLanes {
  readonly #folder: string | undefined;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #lanes = new Map<number, Lane>();
  /** Closed here; the core has not told the last counts. */
  readonly #closing = new Map<number, Lane>();
  #lastId = 0;
  #isKnown = false;
  /** Of this core process's socket. */
  #path: string | undefined;

  /** The folder is the daemon's own, with mode 0700; undefined: no lanes. `onChange`: the core is to be told the list. */
  constructor(folder: string | undefined, clock: Clock, onChange: () => void) {
    this.#folder = folder;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** The core has said that it knows lanes. */
  get isKnown(): boolean {
    return this.#isKnown && this.#folder !== undefined;
  }

  open(user: LaneUser): CoreLane {
    const past = { delivered: 0, dropped: 0 };
    const lane: Lane = { user, ...this.#fresh(), delivered: 0, dropped: 0, past, stopWaiting: () => undefined };
    this.#lanes.set(lane.id, lane);
    this.#onChange();
    return lane;
  }

  /** The stream has ended. */
  close(closed: CoreLane): void {
    for (const lane of this.#lanes.values()) {
      if (lane !== closed) continue;
      this.#forget(lane);
      this.#closing.set(lane.id, lane);
      this.#onChange();
    }
  }

  /** What the core is to be told. Undefined: nothing, for there never was a lane. */
  parameter(): PictureLanes | undefined {
    if (!this.isKnown || this.#folder === undefined) return undefined;
    if (this.#path === undefined && this.#lanes.size === 0) return undefined;
    this.#path ??= path.join(this.#folder, `core-${randomBytes(6).toString('hex')}.sock`);
    const lanes = [...this.#lanes.values()].map(({ id, secret, user: { selection } }) => ({
      id,
      secret: secret.toString('hex'),
      uids: [...selection.uids],
      tracks: [...selection.tracks],
    }));
    return { path: this.#path, lanes };
  }

  /** SDK_VERSION has come, with what the core says there. */
  onVersion(extension: Partial<VersionExtension> | undefined): void {
    const reports: unknown = extension?.pictureLanes;
    const wasKnown = this.#isKnown;
    this.#isKnown = Array.isArray(reports);
    if (!Array.isArray(reports)) {
      for (const lane of this.#lanes.values()) this.#lose(lane, 'the core service has no picture lanes');
      return;
    }
    for (const report of reports) this.#onReport((report ?? {}) as Partial<PictureLaneReport>);
    if (!wasKnown && this.#lanes.size > 0) this.#onChange();
  }

  /** Another process takes the core's place. It has not said anything yet. */
  coreReplaced(): void {
    this.#forgetCore();
    for (const lane of [...this.#lanes.values()]) {
      this.#forget(lane);
      lane.past = { delivered: lane.delivered, dropped: lane.dropped };
      Object.assign(lane, this.#fresh());
      this.#lanes.set(lane.id, lane);
    }
  }

  /** The engine has ended. */
  end(): void {
    for (const lane of [...this.#lanes.values()]) this.#forget(lane);
    this.#forgetCore();
  }

  #fresh(): Pick<Lane, 'id' | 'secret' | 'state'> {
    return { id: (this.#lastId += 1), secret: randomBytes(SECRET_BYTES), state: 'requested' };
  }

  #onReport({ id, state, delivered, dropped }: Partial<PictureLaneReport>): void {
    const lane = this.#lanes.get(id ?? 0) ?? this.#closing.get(id ?? 0);
    if (lane === undefined || !isCount(delivered) || !isCount(dropped)) return;
    const known = { delivered: lane.delivered, dropped: lane.dropped };
    lane.delivered = lane.past.delivered + delivered;
    lane.dropped = lane.past.dropped + dropped;
    if (this.#closing.has(lane.id)) {
      if (state === 'closed') this.#closing.delete(lane.id);
      lane.user.settled(lane.delivered - known.delivered, lane.dropped - known.dropped);
      return;
    }
    const before = lane.state;
    lane.state = state ?? before;
    if (before === 'requested' && state === 'offered') this.#offer(lane);
    else if (state === 'open') lane.stopWaiting();
    else if (state === 'closed' && before === 'requested') {
      this.#forget(lane);
      lane.user.refused();
    } else if (state === 'closed') this.#lose(lane, 'the client closed the picture lane');
  }

  #offer(lane: Lane): void {
    if (this.#path === undefined) return;
    lane.stopWaiting = this.#clock.after(CONNECT_MS, () =>
      this.#lose(lane, 'the client did not say the secret of the picture lane in ten seconds'),
    );
    lane.user.offered({ path: this.#path, secret: lane.secret });
  }

  #lose(lane: Lane, message: string): void {
    this.#forget(lane);
    const remedy = 'open the stream again, or without direct_lane';
    lane.user.lost(refusal('unavailable', 'FRAME_LANE_LOST', message, { remedy }));
    this.#onChange();
  }

  #forget(lane: Lane): void {
    lane.stopWaiting();
    this.#lanes.delete(lane.id);
  }

  /** Its socket's file too: a process that was killed leaves it. */
  #forgetCore(): void {
    this.#isKnown = false;
    this.#closing.clear();
    if (this.#path !== undefined) rmSync(this.#path, { force: true });
    this.#path = undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
