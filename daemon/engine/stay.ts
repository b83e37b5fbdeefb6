import { Settings } from './settings.js';

/** What was asked for inside of a channel and ends with the stay in it. A core process that takes the place of another is told it behind the join. */
export class Stay {
  /** Publishing calls that were made in the channel. */
  readonly published = new Settings();
  /** What was said for single users: subscriptions and stream types. */
  readonly subscribed = new Settings();

  clear(): void {
    this.published.clear();
    this.subscribed.clear();
  }
}
