/** A participant that is not ours: @livekit/rtc-node in a process of its own, driven by lines of JSON (protocol.ts). Ends with its standard input. */
import { createInterface } from 'node:readline';
import { Room, RoomEvent, TrackKind, dispose, type RemoteParticipant, type RemoteTrack } from '@livekit/rtc-node';
import { VideoPublisher, publishTone, type Publication } from './publishing.js';
import type { ParticipantReport, PeerCommandName, PeerCommands, PeerEvent, PeerReport } from './protocol.js';
import { AudioMeter, VideoMeter } from './receiving.js';

const room = new Room();
const videoPublisher = new VideoPublisher();
const publications = new Map<string, Publication>();
const meters = new Map<string, { identity: string; meter: VideoMeter | AudioMeter }>();

function write(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
const emit = (event: PeerEvent): void => write(event);
const kindOf = (kind: TrackKind | undefined): 'audio' | 'video' => (kind === TrackKind.KIND_AUDIO ? 'audio' : 'video');

room.on(RoomEvent.ParticipantConnected, (p) => emit({ event: 'participant_connected', identity: p.identity }));
room.on(RoomEvent.ParticipantDisconnected, (p) => emit({ event: 'participant_disconnected', identity: p.identity }));
room.on(RoomEvent.TrackPublished, (t, p) =>
  emit({ event: 'track_published', identity: p.identity, sid: t.sid ?? '', kind: kindOf(t.kind) }),
);
room.on(RoomEvent.TrackUnpublished, (t, p) =>
  emit({ event: 'track_unpublished', identity: p.identity, sid: t.sid ?? '', kind: kindOf(t.kind) }),
);
room.on(RoomEvent.TrackSubscribed, (track, publication, p) => subscribed(track, publication.sid ?? '', p));
room.on(RoomEvent.TrackUnsubscribed, (track, publication, p) => {
  const sid = publication.sid ?? '';
  void meters.get(sid)?.meter.stop();
  meters.delete(sid);
  emit({ event: 'track_unsubscribed', identity: p.identity, sid, kind: kindOf(track.kind) });
});
room.on(RoomEvent.TrackSubscriptionFailed, (sid, _p, reason) =>
  emit({ event: 'subscription_failed', sid, reason: reason ?? '' }),
);
room.on(RoomEvent.TrackMuted, (t, p) => emit({ event: 'track_muted', identity: p.identity, sid: t.sid ?? '' }));
room.on(RoomEvent.TrackUnmuted, (t, p) => emit({ event: 'track_unmuted', identity: p.identity, sid: t.sid ?? '' }));
room.on(RoomEvent.ParticipantAttributesChanged, (attributes, p) =>
  emit({ event: 'attributes_changed', identity: p.identity, attributes }),
);
room.on(RoomEvent.DataReceived, (payload, p, kind, topic) =>
  emit({
    event: 'data',
    identity: p?.identity ?? '',
    topic: topic ?? '',
    payload: Buffer.from(payload).toString('base64'),
    reliable: Number(kind) === 1,
  }),
);
room.on(RoomEvent.Reconnecting, () => emit({ event: 'reconnecting' }));
room.on(RoomEvent.Reconnected, () => emit({ event: 'reconnected' }));
room.on(RoomEvent.Disconnected, (reason) => emit({ event: 'disconnected', reason: String(reason) }));

function subscribed(track: RemoteTrack, sid: string, participant: RemoteParticipant): void {
  const identity = participant.identity;
  const kind = kindOf(track.kind);
  const meter =
    kind === 'audio'
      ? new AudioMeter(sid, track)
      : new VideoMeter(sid, track, (number, width, height) =>
          emit({ event: 'first_picture', identity, sid, number, width, height }),
        );
  meters.set(sid, { identity, meter });
  emit({ event: 'track_subscribed', identity, sid, kind });
}

function local(): NonNullable<typeof room.localParticipant> {
  if (!room.localParticipant) throw new Error('not connected');
  return room.localParticipant;
}

function report(): PeerReport {
  const participants: Record<string, ParticipantReport> = {};
  for (const p of room.remoteParticipants.values()) {
    const tracks = [...p.trackPublications.values()].map((t) => ({
      sid: t.sid ?? '',
      kind: kindOf(t.kind),
      source: String(t.source),
      muted: t.muted ?? false,
      mimeType: t.mimeType ?? '',
    }));
    participants[p.identity] = { name: p.name ?? '', attributes: p.attributes, tracks, video: [], audio: [] };
  }
  for (const { identity, meter } of meters.values()) {
    const of = participants[identity];
    if (meter instanceof VideoMeter) of?.video.push(meter.take());
    else of?.audio.push(meter.take());
  }
  const sent = { pictures: videoPublisher.pictures, lastNumber: videoPublisher.lastNumber };
  videoPublisher.pictures = 0;
  return { sent, participants };
}

function keep(publication: Publication): { sid: string } {
  publications.set(publication.sid, publication);
  return { sid: publication.sid };
}

type Handlers = { [N in PeerCommandName]: (params: PeerCommands[N]['params']) => Promise<PeerCommands[N]['result']> };

const handlers: Handlers = {
  connect: async ({ url, token, autoSubscribe = true, dynacast = false }) => {
    await room.connect(url, token, { autoSubscribe, dynacast });
    return { sid: local().sid ?? '' };
  },
  publish_video: async (params) => keep(await videoPublisher.publish(local(), params)),
  publish_audio: async (params) => keep(await publishTone(local(), params)),
  unpublish: async ({ sid }) => {
    const publication = publications.get(sid);
    publications.delete(sid);
    await local().unpublishTrack(sid);
    await publication?.stop();
    return {};
  },
  set_attributes: async ({ attributes }) => {
    await local().setAttributes(attributes);
    return {};
  },
  set_subscribed: ({ identity, kind, subscribed: wanted }) => {
    for (const t of room.remoteParticipants.get(identity)?.trackPublications.values() ?? [])
      if (kindOf(t.kind) === kind) t.setSubscribed(wanted);
    return Promise.resolve({});
  },
  send_data: async ({ payload, topic, reliable, to }) => {
    await local().publishData(Buffer.from(payload, 'base64'), {
      reliable,
      topic,
      ...(to === undefined ? {} : { destination_identities: to }),
    });
    return {};
  },
  report: () => Promise.resolve(report()),
  disconnect: async () => {
    for (const publication of publications.values()) await publication.stop();
    publications.clear();
    await room.disconnect();
    return {};
  },
};

async function handle(line: string): Promise<void> {
  const { id, command, params } = JSON.parse(line) as { id: number; command: PeerCommandName; params: never };
  try {
    write({ id, result: await handlers[command](params) });
  } catch (error) {
    write({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void handle(line));
lines.on('close', () => {
  void handlers
    .disconnect({})
    .then(() => dispose())
    .finally(() => process.exit(0));
  setTimeout(() => process.exit(0), 2000).unref();
});
write({ event: 'ready' });
