import type { SubscribeRemoteVideoStreamRequest } from '../../gen/alirtc/v1/engine.js';
import { SubscribeState, VideoStreamType, VideoTrack } from '../../gen/alirtc/v1/types.js';
import type { EngineSession } from '../engine/engine_session.js';
import type { Selection } from '../media/demand.js';
import type { Admission } from './admission.js';
import { receiveVideoMs, SMALL_PICTURE, streamMs, USUAL_PICTURE } from './engine_cost.js';
import type { Picture } from './engine_cost.js';

type Engine = Pick<EngineSession, 'engineId' | 'model'>;

/** Room for a subscription that begins; what flows already needs none. Throws RESOURCE_EXHAUSTED. The returned function gives it back. */
export function admitSubscription(
  admission: Admission,
  { engineId, model }: Engine,
  { uid, videoTrack, sub }: SubscribeRemoteVideoStreamRequest,
): () => void {
  const user = model.user(uid);
  const begins = (track: VideoTrack, state: SubscribeState | undefined): boolean =>
    (videoTrack === track || videoTrack === VideoTrack.BOTH) && state !== SubscribeState.SUBSCRIBED;
  const picture = pictureOf(user?.streamType);
  const costMs =
    (begins(VideoTrack.CAMERA, user?.camera) ? receiveVideoMs(picture) : 0) +
    (begins(VideoTrack.SCREEN, user?.screen) ? receiveVideoMs(USUAL_PICTURE) : 0);
  return sub && costMs > 0 ? admission.admit('subscription', engineId, costMs) : () => undefined;
}

/** Room for a stream of frames of those who are subscribed now. Throws RESOURCE_EXHAUSTED. */
export function admitStream(admission: Admission, { engineId, model }: Engine, { kind, uids }: Selection): void {
  if (kind !== 'pictures' && kind !== 'encoded') return;
  const users = model.users.filter(({ uid }) => uids.size === 0 || uids.has(uid));
  const pictures = users.flatMap((user) => [
    ...(user.camera === SubscribeState.SUBSCRIBED ? [pictureOf(user.streamType)] : []),
    ...(user.screen === SubscribeState.SUBSCRIBED ? [USUAL_PICTURE] : []),
  ]);
  const costMs = pictures.reduce((sum, picture) => sum + streamMs(kind, picture), 0);
  if (costMs > 0) admission.admit('stream', engineId, costMs);
}

function pictureOf(streamType: VideoStreamType | undefined): Picture {
  return streamType === VideoStreamType.LOW ? SMALL_PICTURE : USUAL_PICTURE;
}
