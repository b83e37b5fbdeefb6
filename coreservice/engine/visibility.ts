import { ATTRIBUTE_PROFILE, ATTRIBUTE_ROLE } from '../../common/token/participant_attributes.js';
import { AudioTrack, ChannelProfile, VideoTrack } from '../ipc/enums.js';
import type { RemoteParticipant, RemotePublication } from '../rtc/types.js';

export type RemoteKind = 'audio' | 'camera' | 'screen';

/** Whether a participant is a streamer to us. In Communication everyone is; else its role attribute says, or, without one, whether it may publish. */
export function isVisible(participant: RemoteParticipant, profile: number): boolean {
  if (participant.hidden) return false;
  // Who uses another profile than the channel is about to be refused: nobody sees it meanwhile.
  if ((profileOf(participant) ?? profile) !== profile) return false;
  const role = participant.attributes[ATTRIBUTE_ROLE];
  if (role === undefined) return participant.canPublish;
  return profile === ChannelProfile.Communication || role !== 'live';
}

/** The profile that a participant uses, when it says. */
export function profileOf(participant: RemoteParticipant): number | undefined {
  const text = participant.attributes[ATTRIBUTE_PROFILE];
  return text === undefined || text === '' ? undefined : Number(text);
}

/** The publication that stands for one of the three streams of the interface; the first when there are several. */
export function publicationOf(participant: RemoteParticipant, kind: RemoteKind): RemotePublication | undefined {
  const all = [...participant.publications.values()];
  switch (kind) {
    case 'audio': {
      const audio = all.filter((publication) => publication.kind === 'audio');
      return audio.find((publication) => publication.source !== 'screen_audio') ?? audio[0];
    }
    case 'camera':
      return all.find((publication) => publication.kind === 'video' && publication.source !== 'screen');
    case 'screen':
      return all.find((publication) => publication.kind === 'video' && publication.source === 'screen');
  }
}

export interface Availability {
  audioTrack: AudioTrack;
  videoTrack: VideoTrack;
}

export const NOTHING_AVAILABLE: Availability = { audioTrack: AudioTrack.No, videoTrack: VideoTrack.No };

/** What a user's tracks bring now: a track that LiveKit calls muted brings nothing until it is unmuted. (An engine that mutes goes on sending, silence and black.) */
export function availabilityOf(participant: RemoteParticipant): Availability {
  const there = (kind: RemoteKind): boolean => publicationOf(participant, kind)?.muted === false;
  const camera = there('camera') ? VideoTrack.Camera : 0;
  const screen = there('screen') ? VideoTrack.Screen : 0;
  return {
    audioTrack: there('audio') ? AudioTrack.Mic : AudioTrack.No,
    videoTrack: (camera + screen) as VideoTrack,
  };
}
