/** A participant that is not ours: livekit-client in a page, driven by calls of `alirtcPage` (protocol.ts). */
import { Room, RoomEvent, VideoQuality, type Participant, type TrackPublication } from 'livekit-client';
import type { PageCommandName, PageCommands, PageEvent } from './protocol.js';
import { sendOnly } from './only_codec.js';
import { Publisher } from './publishing.js';
import { Receiver, showTile } from './receiving.js';

declare global {
  interface Window {
    /** Put there by the test. */
    alirtcEvent(event: PageEvent): Promise<void>;
    alirtcPage(command: PageCommandName, params: never): Promise<unknown>;
  }
}

const QUALITIES = { low: VideoQuality.LOW, medium: VideoQuality.MEDIUM, high: VideoQuality.HIGH };

const emit = (event: PageEvent): void => void window.alirtcEvent(event);

interface Session {
  room: Room;
  publisher: Publisher;
  receiver: Receiver;
}
let session: Session | undefined;

function current(): Session {
  if (session === undefined) throw new Error('not connected');
  return session;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

function listen(room: Room, receiver: Receiver): void {
  const muted = (event: 'track_muted' | 'track_unmuted') => (t: TrackPublication, p: Participant) =>
    emit({ event, identity: p.identity, source: t.source });
  room
    .on(RoomEvent.ParticipantConnected, (p) => emit({ event: 'participant_connected', identity: p.identity }))
    .on(RoomEvent.ParticipantDisconnected, (p) => emit({ event: 'participant_disconnected', identity: p.identity }))
    .on(RoomEvent.TrackSubscribed, (track, publication, p) => receiver.add(track, publication, p))
    .on(RoomEvent.TrackUnsubscribed, (track, publication, p) => receiver.remove(track, publication, p))
    .on(RoomEvent.TrackSubscriptionFailed, (sid, _p, reason) =>
      emit({ event: 'subscription_failed', sid, reason: String(reason ?? '') }),
    )
    .on(RoomEvent.TrackMuted, muted('track_muted'))
    .on(RoomEvent.TrackUnmuted, muted('track_unmuted'))
    .on(RoomEvent.DataReceived, (payload, p, _kind, topic) =>
      emit({
        event: 'data',
        identity: p?.identity ?? '',
        topic: topic ?? '',
        payload: btoa(String.fromCharCode(...payload)),
      }),
    )
    .on(RoomEvent.Reconnecting, () => emit({ event: 'reconnecting' }))
    .on(RoomEvent.Reconnected, () => emit({ event: 'reconnected' }))
    .on(RoomEvent.Disconnected, (reason) => emit({ event: 'disconnected', reason: String(reason) }));
}

type Handlers = { [N in PageCommandName]: (params: PageCommands[N]['params']) => Promise<PageCommands[N]['result']> };

const handlers: Handlers = {
  connect: async ({ url, token, singlePeerConnection, autoSubscribe = true, onlyCodec, adaptiveStream, dynacast }) => {
    if (onlyCodec !== undefined) sendOnly(onlyCodec);
    const room = new Room({
      singlePeerConnection,
      adaptiveStream: adaptiveStream ?? false,
      dynacast: dynacast ?? false,
    });
    const tiles = element('tiles');
    const receiver = new Receiver(room, tiles, emit);
    const publisher = new Publisher(room, (shown, text) => void showTile(tiles, shown, text));
    listen(room, receiver);
    await room.connect(url, token, { autoSubscribe });
    session = { room, receiver, publisher };
    element('who').textContent = `${room.localParticipant.identity} in ${room.name}`;
    return { sid: room.localParticipant.sid };
  },
  publish_camera: (params) => current().publisher.camera(params),
  publish_microphone: () => current().publisher.microphone(),
  publish_screen: (params) => current().publisher.screen(params),
  unpublish: async ({ source }) => {
    await current().publisher.unpublish(source);
    return {};
  },
  set_muted: async ({ source, muted }) => {
    await current().publisher.setMuted(source, muted);
    return {};
  },
  send_data: async ({ payload, topic, reliable }) => {
    const bytes = Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0));
    await current().room.localParticipant.publishData(bytes, { reliable, topic });
    return {};
  },
  set_quality: ({ identity, quality }) => {
    const publications = current().room.getParticipantByIdentity(identity)?.trackPublications.values() ?? [];
    for (const publication of publications)
      if ('setVideoQuality' in publication)
        (publication.setVideoQuality as (quality: VideoQuality) => void)(QUALITIES[quality]);
    return Promise.resolve({});
  },
  set_element_size: ({ identity, width, height }) => {
    current().receiver.resize(identity, width, height);
    return Promise.resolve({});
  },
  report: async () => ({ sent: await current().publisher.sent(), participants: await current().receiver.report() }),
  disconnect: async () => {
    await session?.room.disconnect();
    return {};
  },
};

window.alirtcPage = (command, params) => handlers[command](params);
