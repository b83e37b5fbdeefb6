import {
  ChannelProfile,
  PublishMode,
  SubscribeMode,
  VideoTrack,
  type AlirtcClient,
  type Engine,
} from '../../client/index.js';
import { eventually } from '../support/eventually.js';
import { Feed } from './feed.js';
import { Flow, FLOW_KINDS, type FlowKind } from './flow.js';
import type { FlowWatch } from './flow_watch.js';
import { ANCHOR, CHANNELS, type ClientFigures, type FromClient } from './protocol.js';
import type { Random } from './random.js';
import type { Roster } from './roster.js';

export interface AttemptOptions {
  /** Whose trouble excuses a failure, beside that of the slot itself. */
  who?: readonly string[];
  /** A failure is none when this holds. */
  unless?: () => boolean;
}

/** What a session has of its slot. */
export interface SlotTools {
  name: string;
  random: Random;
  client: AlirtcClient;
  watch: FlowWatch;
  figures: ClientFigures;
  report: (message: FromClient) => void;
  /** Runs a call; true: it succeeded. What fails without an excuse is a violation. */
  attempt: (what: string, run: () => Promise<unknown>, options?: AttemptOptions) => Promise<boolean>;
  onProblem: (problem: string, who?: readonly string[]) => void;
}

/** Flows beyond that of the peer that is not ours: each costs decoding here and there. */
const MOST_FLOWS = 3;
const SUBSCRIBE_MODES = [
  SubscribeMode.MANUALLY,
  SubscribeMode.MANUALLY,
  SubscribeMode.AUTOMATICALLY,
  SubscribeMode.AUDIO_AUTO_AND_ONLY,
];

/** One stay of an engine in a channel: what it publishes, whom it follows. */
export class Session {
  readonly flows: Flow[] = [];
  feed: Feed | undefined;
  /** The camera stream is out. */
  isPublishing = false;
  #isOpen = false;
  #isAnnounced = false;

  constructor(
    readonly tools: SlotTools,
    readonly engine: Engine,
    readonly roster: Roster,
    readonly channel: string,
    /** Of the session before: its push streams have waited for this one. */
    keptFeed?: Feed,
  ) {
    this.feed = keptFeed;
  }

  get isAnchored(): boolean {
    return this.channel === CHANNELS.anchored;
  }

  /** Joins, publishes, and follows who has to be there. False: the join failed. */
  async open(): Promise<boolean> {
    const { tools, engine, roster, channel } = this;
    const { random, name: userId } = tools;
    const kind = this.feed?.kind ?? random.weighted({ raw: 5, h264: 3, none: 2 });
    const mode = random.pick([PublishMode.AUTOMATICALLY, PublishMode.MANUALLY]) ?? PublishMode.MANUALLY;
    const publishMode = kind === 'none' ? PublishMode.MANUALLY : mode;
    const subscribeMode = random.pick(SUBSCRIBE_MODES) ?? SubscribeMode.MANUALLY;
    if (kind !== 'none') await tools.attempt('preparing', () => this.#prepare(kind));
    const hasJoined = await tools.attempt('joining', async () => {
      const { token } = await tools.client.generateToken({ channel, userId });
      const config = { channelProfile: ChannelProfile.COMMUNICATION, publishMode, subscribeMode };
      await engine.joinChannel({ token, channelId: channel, userId, config });
    });
    if (!hasJoined) return false;
    tools.figures.joins += 1;
    this.#isOpen = true;
    if (kind !== 'none') await this.setPublishing(true);
    if (this.isAnchored) {
      await tools.attempt(
        'seeing the peer',
        () =>
          eventually(() => (roster.has(ANCHOR, 'pictures') ? undefined : `in the channel: ${roster.uids.join(', ')}`)),
        { who: [ANCHOR] },
      );
      await this.follow(ANCHOR, random.pick(['local', 'grpc', 'encoded'] as const) ?? 'local');
      if (random.chance(0.5)) await this.follow(ANCHOR, 'sound');
    }
    return true;
  }

  /** Publishes camera and sound, or stops. */
  async setPublishing(enabled: boolean): Promise<void> {
    const { tools, engine } = this;
    if (!enabled) this.#announce(false);
    const done = await tools.attempt(enabled ? 'publishing' : 'stopping to publish', () =>
      Promise.all([engine.publishLocalVideoStream(enabled), engine.publishLocalAudioStream(enabled)]),
    );
    if (!done) return;
    this.isPublishing = enabled;
    if (enabled) this.#announce(true);
  }

  async follow(uid: string, kind: FlowKind): Promise<void> {
    const { tools, engine } = this;
    const { name: reader, figures } = tools;
    const flow: Flow = new Flow({
      engine,
      kind,
      uid,
      reader,
      figures,
      isExpected: () => this.#isOpen && (uid === ANCHOR || this.roster.has(uid, flow.isSound ? 'sound' : 'pictures')),
      onProblem: (problem) => tools.onProblem(problem, [uid]),
    });
    this.flows.push(flow);
    await this.#subscribe(flow);
    if (this.flows.includes(flow)) tools.watch.add(flow);
  }

  async unfollow(flow: Flow, unsubscribes: boolean): Promise<void> {
    this.flows.splice(this.flows.indexOf(flow), 1);
    this.tools.watch.delete(flow);
    await flow.close();
    // Another flow may live by the same subscription.
    const isShared = this.flows.some(({ uid, isSound }) => uid === flow.uid && isSound === flow.isSound);
    if (unsubscribes && !isShared) await this.#subscribe(flow, false);
  }

  /** Somebody who can be followed and is not yet, if there is room. */
  someoneToFollow(): { uid: string; kind: FlowKind } | undefined {
    if (this.flows.filter(({ uid }) => uid !== ANCHOR).length >= MOST_FLOWS) return undefined;
    const kind = this.tools.random.pick(FLOW_KINDS) ?? 'local';
    const what = kind === 'sound' || kind === 'mixed' || kind === 'aac' ? 'sound' : 'pictures';
    const uids = this.roster.uids.filter(
      (uid) => this.roster.has(uid, what) && !this.flows.some((f) => f.uid === uid && f.kind === kind),
    );
    const uid = this.tools.random.pick(uids);
    return uid === undefined ? undefined : { uid, kind };
  }

  /** Of users whose tracks came back, e.g. behind a restart of the channel server. */
  onAvailable(uid: string): void {
    for (const flow of this.flows) if (flow.uid === uid && flow.progress > 0) void this.#subscribe(flow);
  }

  /** Ends all streams, and leaves before or after that, or not at all. Gives the feed when it is to go on: a push stream outlives its channel, and waits for the next one. */
  async close({ leaves, keepsFeed }: { leaves: boolean; keepsFeed: boolean }): Promise<Feed | undefined> {
    const { tools, engine } = this;
    this.#announce(false);
    this.#isOpen = false;
    const leavesFirst = tools.random.chance(0.5);
    const leave = (): Promise<unknown> => tools.attempt('leaving', () => engine.leaveChannel());
    if (leaves && leavesFirst) await leave();
    for (const flow of [...this.flows]) await this.unfollow(flow, false);
    // What waits in a push stream goes out only in a channel.
    if (!keepsFeed) await this.feed?.close(!leavesFirst && this.isPublishing && tools.random.chance(0.5));
    if (leaves && !leavesFirst) await leave();
    return keepsFeed ? this.feed : undefined;
  }

  async #prepare(kind: 'raw' | 'h264'): Promise<void> {
    const { tools, engine } = this;
    // An earlier session may have stopped them.
    await engine.publishLocalVideoStream(true, { wait: false });
    await engine.publishLocalAudioStream(true, { wait: false });
    this.feed ??= await Feed.start({
      engine,
      kind,
      figures: tools.figures,
      onProblem: (problem) => tools.onProblem(problem),
    });
  }

  async #subscribe(flow: Flow, sub = true): Promise<void> {
    const { tools, engine } = this;
    const sinceMs = performance.now();
    // Who went meanwhile, and is just back, is no fault of the call that waited.
    const isGone = (): boolean =>
      !this.#isOpen || !this.roster.hasHadSince(flow.uid, flow.isSound ? 'sound' : 'pictures', sinceMs);
    await tools.attempt(
      `${sub ? 'subscribing' : 'unsubscribing'} ${flow.name}`,
      () =>
        flow.isSound
          ? engine.subscribeRemoteAudioStream(flow.uid, sub)
          : engine.subscribeRemoteVideoStream(flow.uid, VideoTrack.CAMERA, sub),
      { who: [flow.uid], unless: isGone },
    );
  }

  #announce(publishing: boolean): void {
    if (!this.isAnchored || publishing === this.#isAnnounced) return;
    this.#isAnnounced = publishing;
    this.tools.report({ publishing, user: this.tools.name });
  }
}
