import type { Socket } from 'node:net';
import type { FrameLanes, LaneOffer } from '../../common/frame_lanes.js';
import { encodePictureMessage, type PictureMessage } from '../../common/picture_message.js';
import type { PictureLane as LaneWish, PictureLaneReport } from '../ipc/extension.js';
import type { EngineClock } from './clock.js';

/** A reader that is further behind loses pictures: some hundred messages, far more than pictures that are still in the ring. */
const MAX_WAITING_BYTES = 32 * 1024;

/** A decoded picture for whoever wants it. */
export type LanePicture = Omit<PictureMessage, 'sequence' | 'droppedBefore'>;

/** One client's connection, from when the host asked for it: it is offered, opens when the client says the secret, and closes when either of them goes. */
export class PictureLane {
  /** Requested: its socket is not there yet. */
  #state: 'requested' | PictureLaneReport['state'] = 'requested';
  #offer: LaneOffer | undefined;
  #socket: Socket | undefined;
  readonly #uids: ReadonlySet<string>;
  readonly #tracks: ReadonlySet<number>;
  /** The number of the last picture of each user's track. */
  readonly #last = new Map<string, Map<number, number>>();
  #sequence = 0;
  #droppedBefore = 0;
  #delivered = 0;
  #dropped = 0;

  constructor(
    private readonly wish: LaneWish,
    /** It has opened, or closed because the client went. */
    private readonly onChange: (lane: PictureLane) => void,
  ) {
    this.#uids = new Set(wish.uids);
    this.#tracks = new Set(wish.tracks);
  }

  get state(): 'requested' | PictureLaneReport['state'] {
    return this.#state;
  }

  get selection(): Pick<LaneWish, 'uids' | 'tracks'> {
    return this.wish;
  }

  report(): PictureLaneReport {
    // It ended before it could begin.
    const state = this.#state === 'requested' ? 'closed' : this.#state;
    return { id: this.wish.id, state, delivered: this.#delivered, dropped: this.#dropped };
  }

  /** Nobody will come when the sockets cannot be had. */
  offer(sockets: Pick<FrameLanes, 'offer'>): void {
    this.#offer = sockets.offer((socket) => this.#open(socket), Buffer.from(this.wish.secret, 'hex'));
    this.#state = this.#offer === undefined ? 'closed' : 'offered';
  }

  wants(uid: string, track: number): boolean {
    if (this.#state !== 'open') return false;
    return (this.#uids.size === 0 || this.#uids.has(uid)) && (this.#tracks.size === 0 || this.#tracks.has(track));
  }

  /** Writes it, or drops it while the client is behind. To be called for every picture that it wants. */
  deliver(picture: LanePicture): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#drop(this.#missingBefore(picture));
    if (socket.writableLength > MAX_WAITING_BYTES) {
      this.#drop(1);
      return;
    }
    this.#sequence += this.#droppedBefore + 1;
    socket.write(encodePictureMessage({ ...picture, sequence: this.#sequence, droppedBefore: this.#droppedBefore }));
    this.#droppedBefore = 0;
    this.#delivered++;
  }

  /** The user has gone: what comes of it later has no gap before it. */
  forget(uid: string): void {
    this.#last.delete(uid);
  }

  /** Nothing comes any more. What was written still goes out, for so long. */
  end(clock: EngineClock, lingerMs: number): void {
    this.#state = 'closed';
    this.#offer?.withdraw();
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined || socket.destroyed) return;
    // The other end may be read after this one is closed (unix(7)).
    socket.end(() => socket.destroy());
    const timer = clock.after(lingerMs, () => socket.destroy());
    socket.once('close', () => timer.cancel());
  }

  #open(socket: Socket): void {
    if (this.#state !== 'offered') {
      socket.destroy();
      return;
    }
    this.#state = 'open';
    this.#socket = socket;
    // A client that says no more does not read either.
    socket.once('end', () => socket.destroy());
    socket.once('close', () => this.#onGone());
    this.onChange(this);
  }

  #onGone(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#socket = undefined;
    this.onChange(this);
  }

  #drop(count: number): void {
    this.#droppedBefore += count;
    this.#dropped += count;
  }

  /** Pictures of this source that were dropped before they came here. Who comes back after a time begins anew, and so does who counts anew. */
  #missingBefore({ uid, track, frameNum }: LanePicture): number {
    let ofUser = this.#last.get(uid);
    if (ofUser === undefined) this.#last.set(uid, (ofUser = new Map<number, number>()));
    const last = ofUser.get(track);
    ofUser.set(track, frameNum);
    return last === undefined ? 0 : Math.max(0, frameNum - last - 1);
  }
}
