import type { TokenAnswer } from '../../common/console_api.js';
import { mintLiveKitToken } from '../../common/token/livekit_token.js';
import { checkId, checkName } from '../engine/checks.js';
import { refusal } from '../refusals.js';

export interface ConsoleTokenOptions {
  keys: ReadonlyMap<string, string>;
  channelServerUrl: () => string | undefined;
  nowMs: () => number;
}

/** Long enough to join; who is in the channel stays there. */
const LIFE_S = 10 * 60;

/** A LiveKit token for a person at the page. Throws INVALID_ARGUMENT, UNAVAILABLE. */
export async function consoleToken(
  request: Record<string, unknown>,
  { keys, channelServerUrl, nowMs }: ConsoleTokenOptions,
): Promise<TokenAnswer> {
  const text = (name: string): string => (typeof request[name] === 'string' ? request[name] : '');
  const channel = checkId('channel', text('channel'));
  const userId = checkId('userId', text('userId'));
  const userName = checkName('userName', text('userName'));
  const url = channelServerUrl();
  const [pair] = keys;
  if (url === undefined || pair === undefined)
    throw refusal('unavailable', 'NO_CHANNEL_SERVER', 'this daemon has no channel server', {
      remedy: 'try again later',
    });
  const [appId, appKey] = pair;
  const expiresAt = Math.floor(nowMs() / 1000) + LIFE_S;
  const name = userName === '' ? {} : { name: userName };
  // No profile: a person takes the channel as it is. A streamer: engines see and hear a person that joins by this page.
  const token = await mintLiveKitToken(appId, appKey, {
    room: channel,
    identity: userId,
    ...name,
    role: 'interactive',
    expiresAt,
  });
  return { token, url, expiresAtMs: expiresAt * 1000 };
}
