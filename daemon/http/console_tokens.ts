import type { TokenAnswer } from '../../common/console_api.js';
import { mintLiveKitToken } from '../../common/token/livekit_token.js';
import { checkId, checkName } from '../engine/checks.js';
import { refusal } from '../refusals.js';

export interface ConsoleTokenOptions {
  keys: ReadonlyMap<string, string>;
  /** Where that channel is. */
  channelServerUrl: (channel: string) => string | undefined;
  nowMs: () => number;
  /** An engine of this daemon is that user there: who joined under its name would put it out of the channel. */
  isEngine: (channel: string, userId: string) => boolean;
}

/** Long enough to join; who is in the channel stays there. */
const LIFE_S = 10 * 60;

/** A LiveKit token for a person at the page. Throws INVALID_ARGUMENT, UNAVAILABLE. */
export async function consoleToken(
  request: Record<string, unknown>,
  { keys, channelServerUrl, nowMs, isEngine }: ConsoleTokenOptions,
): Promise<TokenAnswer> {
  const text = (name: string): string => (typeof request[name] === 'string' ? request[name] : '');
  const channel = checkId('channel', text('channel'));
  const userId = checkId('userId', text('userId'));
  const userName = checkName('userName', text('userName'));
  if (isEngine(channel, userId))
    throw refusal('already_exists', 'USER_IS_AN_ENGINE', `${userId} is an engine in ${channel}`, {
      field: 'userId',
      remedy: 'take another name',
    });
  const url = channelServerUrl(channel);
  const [pair] = keys;
  if (url === undefined || pair === undefined)
    throw refusal('unavailable', 'NO_CHANNEL_SERVER', 'this daemon has no channel server', {
      remedy: 'try again later',
    });
  const [appId, appKey] = pair;
  const expiresAt = Math.floor(nowMs() / 1000) + LIFE_S;
  const name = userName === '' ? {} : { name: userName };
  // No profile: a person takes the channel as it is.
  const token = await mintLiveKitToken(appId, appKey, {
    room: channel,
    identity: userId,
    ...name,
    role: 'interactive',
    expiresAt,
  });
  return { token, url, expiresAtMs: expiresAt * 1000 };
}
