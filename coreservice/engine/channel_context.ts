import type { Logger } from '../../common/logger.js';
import type { Room } from '../rtc/types.js';
import type { AudioHub } from './audio_hub.js';
import type { EngineClock } from './clock.js';
import type { Outbox } from './outbox.js';
import type { VideoReceiverParts } from './receive_video.js';
import type { SubscriptionPolicy } from './subscription_policy.js';

/** What everything that lives for one stay in a channel shares. */
export interface ChannelContext {
  channel: string;
  /** ChannelProfile. */
  profile: number;
  room: Room;
  policy: SubscriptionPolicy;
  audio: AudioHub;
  video: Omit<VideoReceiverParts, 'uid' | 'trackType' | 'onMedia' | 'onUnit'>;
  clock: EngineClock;
  outbox: Outbox;
  logger: Logger;
}
