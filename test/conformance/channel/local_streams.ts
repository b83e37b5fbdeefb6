import type { Engine, PublishState } from '../../../client/index.js';
import type { ERROR_NUMBERS } from '../../../common/error_codes.js';
import type { ChannelScene } from '../../support/channel_scene.js';
import type { InterfaceName } from '../support/interface.js';
import { bySubject } from './callbacks.js';
import { joined, type User } from './scene.js';

/** A stream of one's own, by its calls and callbacks. */
export interface LocalStream {
  name: 'camera' | 'audio' | 'screen' | 'dual';
  call: InterfaceName;
  query: InterfaceName;
  callback: InterfaceName;
  failure: keyof typeof ERROR_NUMBERS;
  set(engine: Engine, enabled: boolean, options?: { wait: boolean }): Promise<PublishState>;
  isSet(engine: Engine): Promise<boolean>;
}

export const CAMERA: LocalStream = {
  name: 'camera',
  call: 'PublishLocalVideoStream',
  query: 'IsLocalVideoStreamPublished',
  callback: 'OnVideoPublishStateChanged',
  failure: 'ERR_PUBLISH_VIDEO_STREAM_FAILED',
  set: (engine, enabled, options) => engine.publishLocalVideoStream(enabled, options),
  isSet: (engine) => engine.isLocalVideoStreamPublished(),
};
export const AUDIO: LocalStream = {
  name: 'audio',
  call: 'PublishLocalAudioStream',
  query: 'IsLocalAudioStreamPublished',
  callback: 'OnAudioPublishStateChanged',
  failure: 'ERR_PUBLISH_AUDIO_STREAM_FAILED',
  set: (engine, enabled, options) => engine.publishLocalAudioStream(enabled, options),
  isSet: (engine) => engine.isLocalAudioStreamPublished(),
};
export const SCREEN: LocalStream = {
  name: 'screen',
  call: 'PublishScreenShareStream',
  query: 'IsLocalScreenPublishEnabled',
  callback: 'OnScreenSharePublishStateChanged',
  failure: 'ERR_PUBLISH_SCREEN_SHARE_FAILED',
  set: (engine, enabled, options) => engine.publishScreenShareStream(enabled, options),
  isSet: (engine) => engine.isLocalScreenPublishEnabled(),
};
export const DUAL: LocalStream = {
  name: 'dual',
  call: 'PublishLocalDualStream',
  query: 'IsDualStreamPublished',
  callback: 'OnDualStreamPublishStateChanged',
  failure: 'ERR_PUBLISH_DUAL_STREAM_FAILED',
  set: (engine, enabled, options) => engine.publishLocalDualStream(enabled, options),
  isSet: (engine) => engine.isDualStreamPublished(),
};
export const LOCAL_STREAMS = [CAMERA, AUDIO, SCREEN, DUAL];

/** In the channel, with the camera published where the stream rides on it. */
export async function ready(scene: ChannelScene, stream: LocalStream): Promise<User> {
  const user = await joined(scene, 'user');
  if (stream === DUAL) await user.engine.publishLocalVideoStream(true);
  await user.callbacks.take();
  return user;
}

export const ofStream = (lines: readonly string[], { name }: LocalStream): string[] =>
  bySubject(lines)[`publish ${name}`] ?? [];
