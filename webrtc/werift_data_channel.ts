import { EventEmitter } from 'node:events';
import type { RTCDataChannel } from 'werift';
import type { DataChannel } from './media_transport.js';

export class WeriftDataChannel
  extends EventEmitter<{ message: [data: Buffer]; open: []; close: [] }>
  implements DataChannel
{
  readonly #channel: RTCDataChannel;

  constructor(channel: RTCDataChannel) {
    super();
    this.#channel = channel;
    channel.onMessage.subscribe((data) => this.emit('message', typeof data === 'string' ? Buffer.from(data) : data));
    channel.stateChange.subscribe((state) => {
      if (state === 'open') this.emit('open');
      if (state === 'closed') this.emit('close');
    });
  }

  get label(): string {
    return this.#channel.label;
  }

  get isOpen(): boolean {
    return this.#channel.readyState === 'open';
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedAmount;
  }

  send(data: Buffer): void {
    this.#channel.send(data);
  }
}
