import type { Logger } from '../../common/logger.js';
import { messageOf } from '../../common/errors.js';
import { PublishState } from '../ipc/enums.js';
import type { Room } from '../rtc/types.js';
import type { EngineClock } from './clock.js';
import { Deadline, withDeadline } from './clock.js';
import { PUBLISH_EDGES, StateMachine } from './state_machine.js';

const PUBLISH_TIMEOUT_MS = 10_000;

/** The part of publishing that is the same for camera, screen and sound. T is rtc's local track. */
export interface PublishingTarget<T> {
  readonly what: string;
  publish(room: Room): Promise<T>;
  unpublish(room: Room, track: T): Promise<void>;
  /** The track is there: media may go out. */
  onTrack(track: T): void;
  onTrackGone(): void;
  onRenewed?(): void;
  /** renew() did not work: the track is as it was. */
  onRenewalFailed?(text: string): void;
  onEdge(old: PublishState, next: PublishState, elapsedMs: number): void;
  onFailed(text: string): void;
}

/**
 * Turns "should be published" into calls to the room, one at a time, and into the four states. The states follow the wish at once: NoPublish is told when
 * publishing is stopped, not when the server has answered.
 */
export class Publishing<T> {
  readonly #machine: StateMachine<PublishState>;
  #room: Room | undefined;
  #track: T | undefined;
  #wanted = false;
  /** After a failure nothing is tried again until somebody asks. */
  #failed = false;
  #renew = false;
  #work: Promise<void> | undefined;
  #isAway = false;
  #deadline: Deadline | undefined;

  constructor(
    private readonly target: PublishingTarget<T>,
    private readonly clock: EngineClock,
    private readonly logger: Logger,
  ) {
    this.#machine = new StateMachine(clock, PublishState.Idle, PUBLISH_EDGES, (old, next, elapsedMs) =>
      target.onEdge(old, next, elapsedMs),
    );
  }

  get state(): PublishState {
    return this.#machine.state;
  }

  /** True while it is published or about to be: what is pushed then is kept, otherwise dropped. */
  get isWanted(): boolean {
    return this.state === PublishState.Publishing || this.state === PublishState.Published;
  }

  get track(): T | undefined {
    return this.#machine.state === PublishState.Published ? this.#track : undefined;
  }

  enter(room: Room): void {
    this.#room = room;
    this.#failed = false;
  }

  /** The room is left: it takes its tracks with it. */
  leave(): void {
    this.#room = undefined;
    this.#wanted = false;
    this.#renew = false;
    this.setAway(false);
    this.#dropTrack();
    this.#machine.to(PublishState.Idle);
  }

  /** The connection is lost, or back: nothing is late while it is away. */
  setAway(isAway: boolean): void {
    this.#isAway = isAway;
    if (isAway) this.#deadline?.pause();
    else this.#deadline?.restart();
  }

  /** again: this is a new request, so that one that failed is tried again. */
  set(wanted: boolean, again: boolean): void {
    if (this.#room === undefined) return;
    // Who takes the wish back and wishes it again asks anew, too.
    if (again || !wanted) this.#failed = false;
    this.#wanted = wanted;
    if (wanted && !this.#failed) this.#machine.to(PublishState.Publishing);
    if (!wanted) this.#machine.to(PublishState.NoPublish);
    this.#start();
  }

  /** A track of other properties takes the place of the one that is published: first the new one comes, then the old one goes. */
  renew(): void {
    this.#renew = true;
    this.#start();
  }

  /** The room ended the track by itself. When the room itself ends, its tracks end just before: that is told as leaving, not as a failure. */
  lost(track: T, text: string): void {
    void this.clock.turn().then(() => {
      if (this.#track !== track) return;
      this.#dropTrack();
      this.#fail(text);
    });
  }

  #start(): void {
    if (this.#work !== undefined || !this.#needsWork()) return;
    this.#work = this.#run().finally(() => {
      this.#work = undefined;
    });
  }

  #needsWork(): boolean {
    if (this.#room === undefined) return false;
    if (!this.#wanted) return this.#track !== undefined;
    return this.#track === undefined ? !this.#failed : this.#renew;
  }

  async #run(): Promise<void> {
    // The caller's callbacks come first: what it set takes effect as a whole.
    await Promise.resolve();
    while (this.#needsWork()) {
      const room = this.#room;
      if (room === undefined) return;
      if (!this.#wanted) await this.#unpublish(room);
      else if (this.#track === undefined) await this.#publish(room);
      else await this.#replace(room, this.#track);
    }
  }

  async #replace(room: Room, old: T): Promise<void> {
    this.#renew = false;
    try {
      const track = await this.#publishInTime(room);
      if (this.#room !== room) return;
      this.#dropTrack();
      this.#track = track;
      this.target.onTrack(track);
      this.target.onRenewed?.();
      await this.#unpublishInTime(room, old);
    } catch (error) {
      this.logger.warn({ err: error }, `renewing the ${this.target.what} failed`);
      if (this.#room === room) this.target.onRenewalFailed?.(messageOf(error));
    }
  }

  async #publishInTime(room: Room): Promise<T> {
    const { what } = this.target;
    const late = `the server did not take the ${what} within ${PUBLISH_TIMEOUT_MS} ms`;
    const deadline = new Deadline(this.clock, PUBLISH_TIMEOUT_MS, () => new Error(late));
    this.#deadline = deadline;
    if (this.#isAway) deadline.pause();
    try {
      return await Promise.race([this.target.publish(room), deadline.expired]);
    } finally {
      deadline.cancel();
      this.#deadline = undefined;
    }
  }

  async #unpublishInTime(room: Room, track: T): Promise<void> {
    try {
      const work = this.target.unpublish(room, track);
      await withDeadline(this.clock, PUBLISH_TIMEOUT_MS, work, () => new Error('no answer'));
    } catch (error) {
      this.logger.warn({ err: error }, `unpublishing the ${this.target.what} failed`);
    }
  }

  async #publish(room: Room): Promise<void> {
    const { target } = this;
    try {
      this.#renew = false;
      const track = await this.#publishInTime(room);
      if (this.#room !== room) return;
      this.#track = track;
      target.onTrack(track);
      if (this.#wanted) this.#machine.to(PublishState.Published);
    } catch (error) {
      this.logger.warn({ err: error }, `publishing the ${target.what} failed`);
      if (this.#room === room && this.#wanted) this.#fail(messageOf(error));
    }
  }

  async #unpublish(room: Room): Promise<void> {
    const track = this.#track;
    this.#dropTrack();
    if (track !== undefined) await this.#unpublishInTime(room, track);
  }

  #fail(text: string): void {
    this.#failed = true;
    if (this.#machine.to(PublishState.NoPublish)) this.target.onFailed(text);
  }

  #dropTrack(): void {
    if (this.#track === undefined) return;
    this.#track = undefined;
    this.target.onTrackGone();
  }
}
