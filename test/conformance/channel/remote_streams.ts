import { type SubscribeState, VideoSource, VideoTrack, type Engine } from '../../../client/index.js';
import type { ERROR_NUMBERS } from '../../../common/error_codes.js';
import type { ChannelScene } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import type { InterfaceName } from '../support/interface.js';
import { bySubject } from './callbacks.js';
import { PictureFeed, joined, type User } from './scene.js';

/** A stream that somebody else publishes, by the calls and callbacks of its subscription. */
export interface RemoteStream {
  name: 'audio' | 'camera' | 'screen';
  call: InterfaceName;
  callback: InterfaceName;
  failure: keyof typeof ERROR_NUMBERS;
  /** With wait: resolves with the state. */
  set(engine: Engine, uid: string, sub: boolean, options?: { wait: boolean }): Promise<SubscribeState>;
  publish(engine: Engine, enabled: boolean): Promise<unknown>;
  source?: VideoSource;
}

export const AUDIO: RemoteStream = {
  name: 'audio',
  call: 'SubscribeRemoteAudioStream',
  callback: 'OnAudioSubscribeStateChanged',
  failure: 'ERR_SUBSCRIBE_AUDIO_STREAM_FAILED',
  set: async (engine, uid, sub, options) => (await engine.subscribeRemoteAudioStream(uid, sub, options)).state,
  publish: (engine, enabled) => engine.publishLocalAudioStream(enabled),
};
export const CAMERA: RemoteStream = {
  name: 'camera',
  call: 'SubscribeRemoteVideoStream',
  callback: 'OnVideoSubscribeStateChanged',
  failure: 'ERR_SUBSCRIBE_VIDEO_STREAM_FAILED',
  set: async (engine, uid, sub, options) =>
    (await engine.subscribeRemoteVideoStream(uid, VideoTrack.CAMERA, sub, options)).camera,
  publish: (engine, enabled) => engine.publishLocalVideoStream(enabled),
  source: VideoSource.CAMERA,
};
export const SCREEN: RemoteStream = {
  name: 'screen',
  call: 'SubscribeRemoteVideoStream',
  callback: 'OnScreenShareSubscribeStateChanged',
  failure: 'ERR_SUBSCRIBE_SCREEN_SHARE_FAILED',
  set: async (engine, uid, sub, options) =>
    (await engine.subscribeRemoteVideoStream(uid, VideoTrack.SCREEN, sub, options)).screen,
  publish: (engine, enabled) => engine.publishScreenShareStream(enabled),
  source: VideoSource.SCREEN_SHARE,
};
export const REMOTE_STREAMS = [AUDIO, CAMERA, SCREEN];

/** Only the lines about one stream of alice, its edges. */
export const edgesOf = (lines: readonly string[], { name }: { name: string }): string[] =>
  bySubject(lines)[`${name} alice`] ?? [];

/** alice publishes that stream, with pictures unless they are left out; bob is there and takes nothing. */
export async function published(
  scene: ChannelScene,
  stream: RemoteStream,
  withPictures = true,
): Promise<{ alice: User; bob: User; feed: Disposable }> {
  const [alice, bob] = [await joined(scene, 'alice'), await joined(scene, 'bob')];
  const feed =
    withPictures && stream.source !== undefined
      ? await PictureFeed.start(alice.engine, stream.source)
      : { [Symbol.dispose]: () => undefined };
  await stream.publish(alice.engine, true);
  await bob.callbacks.until('online alice');
  await eventually(() =>
    bob.callbacks.lines.some((line) => line.startsWith('tracks alice')) ? undefined : 'no tracks of alice yet',
  );
  await bob.callbacks.take();
  return { alice, bob, feed };
}
