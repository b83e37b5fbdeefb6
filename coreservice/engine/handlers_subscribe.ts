import { AlirtcError } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import { VideoStreamType, VideoTrack } from '../ipc/enums.js';
import type { CoreEngine, Stay } from './core_engine.js';
import type { Handlers } from './handlers.js';
import { badParameter } from './handlers_channel.js';
import type { RemoteKind } from './visibility.js';

/** Subscribing: only in the call, each by user. */
export const SUBSCRIBE_HANDLERS: Handlers = {
  SUBSCRIBE_REMOTE_AUDIO_STREAM: (engine, { uid, sub }) => {
    const stay = inChannel(engine);
    subscribe(stay, uid, ['audio'], sub);
  },
  SUBSCRIBE_REMOTE_VIDEO_STREAM: (engine, { uid, videoTrack, sub }) => {
    const stay = inChannel(engine);
    if (!Object.values<number>(VideoTrack).includes(videoTrack))
      throw badParameter('video_track', `${videoTrack} is no video track`);
    const camera = (videoTrack & VideoTrack.Camera) !== 0;
    const screen = (videoTrack & VideoTrack.Screen) !== 0;
    subscribe(stay, uid, [...(camera ? ['camera' as const] : []), ...(screen ? ['screen' as const] : [])], sub);
  },
  SET_REMOTE_VIDEO_STREAM_TYPE: (engine, { uid, streamType }) => {
    const type = streamTypeOf(streamType);
    const stay = inChannel(engine);
    if (type === VideoStreamType.None) return;
    stay.policy.setStreamType(uid, type);
    stay.roster.get(uid)?.applyStreamType();
  },
  SET_REMOTE_DEFAULT_VIDEO_STREAM_TYPE: (engine, { streamType }) => {
    const type = streamTypeOf(streamType);
    if (type === VideoStreamType.None) return;
    engine.settings.defaultStreamType = type;
    const { stay } = engine;
    if (stay === undefined) return;
    stay.policy.defaultStreamType = type;
    for (const user of stay.roster) user.applyStreamType();
  },
  SET_VIDEO_CALLBACK_PERIOD: (engine, { period }) => {
    engine.settings.videoCallbackPeriodMs = Math.max(0, period);
  },
};

function subscribe(stay: Stay, uid: string, kinds: readonly RemoteKind[], sub: boolean): void {
  for (const kind of kinds) stay.policy.set(uid, kind, sub);
  stay.roster.get(uid)?.asked(kinds);
}

function inChannel(engine: CoreEngine): Stay {
  if (engine.stay !== undefined) return engine.stay;
  throw new AlirtcError('failed_precondition', 'subscribing is possible only in a channel', {
    reason: 'ERR_SUBSCRIBE_NOT_JOIN_CHANNEL',
    number: ERROR_NUMBERS.ERR_SUBSCRIBE_NOT_JOIN_CHANNEL,
  });
}

function streamTypeOf(value: number): VideoStreamType {
  if (value === VideoStreamType.None || value === VideoStreamType.High || value === VideoStreamType.Low) return value;
  throw badParameter('stream_type', `${value} is no stream type`);
}
