import { once } from 'node:events';
import { createLogger } from '../../../common/logger.js';
import { LiveKitRoom } from '../../../coreservice/rtc/livekit_room.js';
import type { MediaTransport, MediaTransportFactory, MediaTransportOptions } from '../../../webrtc/media_transport.js';
import { WeriftTransport } from '../../../webrtc/werift_transport.js';
import type { EncodedUnit, RemoteTrack, RemoteVideoTrack, RoomEvents } from '../../../coreservice/rtc/types.js';
import { PATHS, RunningServer, tokenFor } from '../channelserver/running_server.js';

export { EncodedPictures, EncodedSource } from './encoded_source.js';
export { RunningServer, tokenFor } from '../channelserver/running_server.js';

const logger = createLogger('test', 'fatal');

export interface JoinOptions {
  reconnectLimitMs?: number;
  transports?: MediaTransportFactory;
  token?: string;
  connections?: 'auto' | 'single' | 'dual';
}

/** Where a table of tests runs: how the server is started, and by how many connections our rooms join. */
export interface Place {
  title: string;
  connections: 'single' | 'dual';
  /** Its keys are KEYS. */
  open: () => Promise<{ readonly url: string } & AsyncDisposable>;
}

/** Our own channel server, by each of its paths. */
export const OUR_PLACES: readonly Place[] = PATHS.map(({ path, connections, args }) => ({
  title: `the channel server's ${path}`,
  connections,
  open: () => RunningServer.start(args),
}));

/** A room that is not connected yet. */
export async function newRoom(
  url: string,
  room: string,
  identity: string,
  options: JoinOptions = {},
): Promise<LiveKitRoom> {
  return new LiveKitRoom(
    {
      url,
      token: options.token ?? (await tokenFor(room, identity)),
      logger,
      connectTimeoutMs: 5000,
      reconnectLimitMs: options.reconnectLimitMs ?? 10_000,
      connections: options.connections ?? 'auto',
    },
    options.transports,
  );
}

/** Rooms that close when the block ends, youngest first. */
export class Rooms implements AsyncDisposable {
  readonly #rooms: LiveKitRoom[] = [];

  constructor(
    readonly url: string,
    readonly name: string,
    readonly connections: JoinOptions['connections'] = 'auto',
  ) {}

  async create(identity: string, options: JoinOptions = {}): Promise<LiveKitRoom> {
    const room = await newRoom(this.url, this.name, identity, { connections: this.connections ?? 'auto', ...options });
    this.#rooms.push(room);
    return room;
  }

  async join(identity: string, options: JoinOptions = {}): Promise<LiveKitRoom> {
    const room = await this.create(identity, options);
    await room.connect();
    return room;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const room of this.#rooms.reverse()) await room.close();
  }
}

/** The next event of that name, within 10 s. */
export async function nextEvent<K extends keyof RoomEvents>(room: LiveKitRoom, name: K): Promise<RoomEvents[K]> {
  return (await once(room, name, { signal: AbortSignal.timeout(10_000) })) as RoomEvents[K];
}

/** Subscribes to whatever is published and resolves with the next track of that kind that is subscribed. */
export function subscribeTo<K extends 'audio' | 'video'>(
  room: LiveKitRoom,
  kind: K,
  timeoutMs = 10_000,
): Promise<Extract<RemoteTrack, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${kind} track in ${timeoutMs} ms`)), timeoutMs);
    for (const participant of room.participants.values())
      for (const publication of participant.publications.values())
        if (publication.kind === kind) room.subscribe(publication.sid);
    room.on('track_published', (_participant, publication) => {
      if (publication.kind === kind) room.subscribe(publication.sid);
    });
    room.once('track_subscribed', function onTrack(_participant, _publication, track) {
      if (track.kind !== kind) {
        room.once('track_subscribed', onTrack);
        return;
      }
      clearTimeout(timer);
      resolve(track as Extract<RemoteTrack, { kind: K }>);
    });
  });
}

/** The next `count` units for which the predicate holds. */
export function collectUnits(
  track: RemoteVideoTrack,
  count: number,
  predicate: (unit: EncodedUnit) => boolean = () => true,
  timeoutMs = 15_000,
): Promise<EncodedUnit[]> {
  return new Promise((resolve, reject) => {
    const units: EncodedUnit[] = [];
    const finish = (error?: Error): void => {
      clearTimeout(timer);
      track.off('unit', onUnit);
      if (error === undefined) resolve(units);
      else reject(error);
    };
    const timer = setTimeout(
      () => finish(new Error(`${units.length} of ${count} units in ${timeoutMs} ms`)),
      timeoutMs,
    );
    const onUnit = (unit: EncodedUnit): void => {
      if (!predicate(unit)) return;
      units.push(unit);
      if (units.length === count) finish();
    };
    track.on('unit', onUnit);
  });
}

/** The same numbers in every run, 0 to 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Transports that lose a share of the media packets that come to them. */
export function lossyTransports(share: number, seed: number): MediaTransportFactory & { lost: number } {
  const random = seededRandom(seed);
  const factory = {
    lost: 0,
    prepare: () => WeriftTransport.prepare(),
    create: (options: MediaTransportOptions): Promise<MediaTransport> =>
      WeriftTransport.create({
        ...options,
        dropsInbound: () => {
          const drops = random() < share;
          if (drops) factory.lost += 1;
          return drops;
        },
      }),
  };
  return factory;
}
