import type { JoinConfigFields } from '../../coreservice/ipc/commands.js';
import { PublishAvsyncMode } from '../../coreservice/ipc/enums.js';
import type { JoinChannelRequest } from '../../gen/alirtc/v1/engine.js';
import { JoinChannelConfig } from '../../gen/alirtc/v1/types.js';
import * as convert from '../conversions.js';
import { invalidField } from '../refusals.js';
import { checkId, checkLength, checkName, checkRange, MAX_NONCE_BYTES, MAX_ROLE_BYTES } from './checks.js';
import type { Credential, ExchangeRequest } from './token_exchange.js';
import { identityOf } from './token_exchange.js';

/** A checked join. */
export interface Join {
  credential: Credential;
  /** The role word of a multi-parameter join. */
  authRole: string;
  channel: string;
  userId: string;
  userName: string;
  config: JoinConfigFields;
  /** Unix time in milliseconds. */
  acceptedAtMs: number;
}

const MAX_TOKEN_CHARACTERS = 16_384;
const BAD_PARAM = 'ERR_JOIN_BAD_PARAM';
const EMPTY_TOKEN = { reason: 'ERR_JOIN_CONFIG_INVALID', remedy: 'make one with GenerateToken' };
const DEFAULT_AUDIO_CACHE = 300;
const DEFAULT_VIDEO_CACHE = 100;
/** What one machine can hold; the interface names no limit. */
const MAX_AUDIO_CACHE = 6000;
const MAX_VIDEO_CACHE = 1000;
/** NoDelay (engine-semantics.md, section 4). */
const NO_DELAY_AUDIO_MS = 200;
const NO_DELAY_PICTURES = 5;

/** Throws INVALID_ARGUMENT with the interface's name. A token that cannot be read at all is left for the join's result when channel and user are said. */
export function checkJoin(request: JoinChannelRequest, nowMs: number): Join {
  const config = joinConfig(request.config ?? JoinChannelConfig.fromPartial({}));
  const { credential, authRole, said } = credentialOf(request);
  const isAuth = credential.kind === 'auth';
  // What is at fault is named where it was said.
  const nameOf = (own: string, name: string): string => (own === '' && isAuth ? `auth_info.${name}` : name);
  const { channelId, userId: ownUserId, userName: ownName } = request;
  const channelField = channelId === '' && isAuth ? 'auth_info.channel' : 'channel_id';
  const channel = checkId(channelField, channelId || said('channel'), BAD_PARAM);
  const userId = checkId(nameOf(ownUserId, 'user_id'), ownUserId || said('userId'), BAD_PARAM);
  const userName = checkName(nameOf(ownName, 'user_name'), ownName || said('userName'), BAD_PARAM);
  return { credential, authRole, channel, userId, userName, config, acceptedAtMs: nowMs };
}

type Said = (name: 'channel' | 'userId' | 'userName') => string;

function credentialOf({ credential }: JoinChannelRequest): { credential: Credential; authRole: string; said: Said } {
  if (credential?.$case === 'authInfo') {
    const { channel, userId, userName, appId, nonce, timestamp, token: hash, role } = credential.value;
    if (hash === '') throw invalidField('auth_info.token', '', 'is empty', EMPTY_TOKEN);
    const said: Said = (name) => ({ channel, userId, userName })[name];
    checkLength('auth_info.nonce', nonce, MAX_NONCE_BYTES, { reason: BAD_PARAM });
    checkLength('auth_info.role', role, MAX_ROLE_BYTES, { reason: BAD_PARAM });
    const auth = { appId, channel, userId, nonce, timestamp };
    return { credential: { kind: 'auth', auth, hash }, authRole: role, said };
  }
  const token = credential?.value ?? '';
  if (token === '') throw invalidField('token', '', 'is empty', EMPTY_TOKEN);
  if (token.length > MAX_TOKEN_CHARACTERS)
    throw invalidField('token', '', `has more than ${MAX_TOKEN_CHARACTERS} characters`, {
      reason: 'ERR_JOIN_BAD_TOKEN',
      remedy: 'make it with GenerateToken',
    });
  const said: Said = (name) => (name === 'userName' ? '' : identityOf(token)[name]);
  return { credential: { kind: 'token', token }, authRole: '', said };
}

function joinConfig(config: JoinChannelConfig): JoinConfigFields {
  const audioCache = config.publishAvsyncWithPtsMaxAudioCacheSize ?? DEFAULT_AUDIO_CACHE;
  const videoCache = config.publishAvsyncWithPtsMaxVideoCacheSize ?? DEFAULT_VIDEO_CACHE;
  const name = 'config.publish_avsync_with_pts_max';
  return {
    isAudioOnly: config.isAudioOnly,
    channelProfile: convert.channelProfile.toIpc(config.channelProfile, 'config.channel_profile'),
    publishMode: convert.publishMode.toIpc(config.publishMode, 'config.publish_mode'),
    subscribeMode: convert.subscribeMode.toIpc(config.subscribeMode, 'config.subscribe_mode'),
    publishAvsyncMode: convert.publishAvsyncMode.toIpc(config.publishAvsyncMode, 'config.publish_avsync_mode'),
    publishAvsyncWithPtsMaxAudioCacheSize: checkRange(
      `${name}_audio_cache_size`,
      audioCache,
      1,
      MAX_AUDIO_CACHE,
      BAD_PARAM,
    ),
    publishAvsyncWithPtsMaxVideoCacheSize: checkRange(
      `${name}_video_cache_size`,
      videoCache,
      1,
      MAX_VIDEO_CACHE,
      BAD_PARAM,
    ),
    subscribeVideoFormat: convert.videoFormat.toIpc(config.subscribeVideoFormat, 'config.subscribe_video_format'),
    subscribeAudioFormat: convert.audioFormat.toIpc(config.subscribeAudioFormat, 'config.subscribe_audio_format'),
    ttsVad: false,
  };
}

/** What a join's token is exchanged with. */
export function exchangeRequest(join: Readonly<Join>, isAudience: boolean): ExchangeRequest {
  const { credential, channel, userId, userName, config } = join;
  return {
    ...{ credential, channel, userId, userName },
    role: isAudience ? 'live' : 'interactive',
    profile: config.channelProfile,
  };
}

/** How much the core's push queues hold under a join's config. */
export function queueCapacity(config: JoinConfigFields): { audioMs: number; pictures: number } {
  if (config.publishAvsyncMode === PublishAvsyncMode.NoDelay)
    return { audioMs: NO_DELAY_AUDIO_MS, pictures: NO_DELAY_PICTURES };
  return {
    audioMs: config.publishAvsyncWithPtsMaxAudioCacheSize * 10,
    pictures: config.publishAvsyncWithPtsMaxVideoCacheSize,
  };
}
