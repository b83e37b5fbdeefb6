import { DisconnectReason, Room, RoomEvent, Track, VideoPresets } from 'livekit-client';
import type { Participant, TrackPublication } from 'livekit-client';
import { BEFORE } from './call_state.js';
import type { CallState, DeviceState, Media, Person } from './call_state.js';
import { deviceProblem } from './device_problem.js';

type Device = 'camera' | 'microphone';

const CHANGES = [
  RoomEvent.ParticipantConnected,
  RoomEvent.ParticipantDisconnected,
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackMuted,
  RoomEvent.TrackUnmuted,
  RoomEvent.LocalTrackPublished,
  RoomEvent.LocalTrackUnpublished,
  RoomEvent.ActiveSpeakersChanged,
  RoomEvent.ParticipantNameChanged,
  RoomEvent.AudioPlaybackStatusChanged,
  RoomEvent.Reconnected,
] as const;

const REASONS: Readonly<Partial<Record<DisconnectReason, string>>> = {
  [DisconnectReason.DUPLICATE_IDENTITY]: 'somebody joined under the same name',
  [DisconnectReason.PARTICIPANT_REMOVED]: 'you were removed from the channel',
  [DisconnectReason.ROOM_DELETED]: 'the channel was closed',
  [DisconnectReason.SERVER_SHUTDOWN]: 'the channel server stopped',
};

/** One person's stay in a channel, by LiveKit's own client. */
export class Call {
  readonly #room: Room;
  readonly #onState: (state: CallState) => void;
  #state: CallState = BEFORE;

  constructor(onState: (state: CallState) => void) {
    this.#onState = onState;
    // Small pictures: the page is for looking in, on a machine that has bots to run.
    this.#room = new Room({
      adaptiveStream: true,
      dynacast: true,
      videoCaptureDefaults: { resolution: VideoPresets.h360.resolution },
    });
    for (const event of CHANGES) this.#room.on(event, () => this.#update({}));
    this.#room.on(RoomEvent.Reconnecting, () => this.#update({ phase: 'reconnecting' }));
    this.#room.on(RoomEvent.Reconnected, () => this.#update({ phase: 'joined' }));
    this.#room.on(RoomEvent.Disconnected, (reason) => this.#over(reason));
    this.#room.on(RoomEvent.MediaDevicesError, (error) => this.#update({ reason: deviceProblem(error) }));
  }

  /** Joins, then switches on what is wanted. Rejects when the channel cannot be joined; a device that fails is told in the state. */
  async join(url: string, token: string, devices: Readonly<Record<Device, boolean>>): Promise<void> {
    await this.#room.connect(url, token);
    this.#update({ phase: 'joined' });
    const wanted = (['microphone', 'camera'] as const).filter((device) => devices[device]);
    await Promise.all(wanted.map((device) => this.switch(device, true)));
  }

  async switch(device: Device, on: boolean): Promise<void> {
    this.#update({ [device]: { ...this.#state[device], busy: true, problem: '' } });
    let problem = '';
    try {
      const { localParticipant } = this.#room;
      if (device === 'camera') await localParticipant.setCameraEnabled(on);
      else await localParticipant.setMicrophoneEnabled(on);
    } catch (error) {
      problem = deviceProblem(error);
    }
    this.#update({ [device]: { on: false, busy: false, problem } });
  }

  async playSound(): Promise<void> {
    await this.#room.startAudio();
    this.#update({});
  }

  async leave(): Promise<void> {
    await this.#room.disconnect();
  }

  #over(reason: DisconnectReason | undefined): void {
    // A join that fails ends so too; it rejects with more.
    if (this.#state.phase === 'joining') return;
    const isOwn = reason === undefined || reason === DisconnectReason.CLIENT_INITIATED;
    const text = isOwn ? '' : (REASONS[reason] ?? 'the connection to the channel server was lost');
    this.#update({ phase: 'over', reason: text });
  }

  #update(change: Partial<CallState>): void {
    const { localParticipant, remoteParticipants, canPlaybackAudio } = this.#room;
    const next = { ...this.#state, ...change };
    const others = [...remoteParticipants.values()].map(personOf);
    const device = (state: DeviceState, on: boolean): DeviceState => ({ ...state, on });
    this.#state = {
      ...next,
      people: next.phase === 'over' ? [] : [personOf(localParticipant), ...others],
      camera: device(next.camera, localParticipant.isCameraEnabled),
      microphone: device(next.microphone, localParticipant.isMicrophoneEnabled),
      canPlaySound: canPlaybackAudio,
    };
    this.#onState(this.#state);
  }
}

function personOf(participant: Participant): Person {
  const publications = [...participant.trackPublications.values()];
  const { identity, isLocal, isSpeaking } = participant;
  return {
    identity,
    name: participant.name === undefined || participant.name === '' ? identity : participant.name,
    isLocal,
    isSpeaking,
    hasSound: participant.isMicrophoneEnabled,
    videos: publications.flatMap((publication) => mediaOf(publication, Track.Kind.Video)),
    // Nobody wants to hear himself.
    sounds: isLocal ? [] : publications.flatMap((publication) => mediaOf(publication, Track.Kind.Audio)),
  };
}

function mediaOf(publication: TrackPublication, kind: Track.Kind): Media[] {
  const { track } = publication;
  if (track === undefined || publication.kind !== kind || publication.isMuted) return [];
  return [
    {
      key: `${publication.trackSid} ${track.sid ?? ''}`,
      kind: kind === Track.Kind.Audio ? 'sound' : publication.source === Track.Source.ScreenShare ? 'screen' : 'camera',
      attach: (element) => void track.attach(element),
      detach: (element) => void track.detach(element),
    },
  ];
}
