import { buildSei, insertSei } from '../../rtp/sei.js';
import { OWN_SEI_PREFIX } from './sei_receiver.js';

const FOR_EVER = -1;

type Layer = 'high' | 'low';

export interface SeiMessage {
  data: Buffer;
  /** How many copies; -1: with every picture until the next message. */
  repeatCount: number;
  /** The first copy leaves not before so many milliseconds. */
  delayMs: number;
  keyFramesOnly: boolean;
}

/**
 * SendMediaExtensionMsg: copies of one message on the pictures of the camera. The last bytes of the UUID number the message, so that receivers tell its copies from
 * another message of the same content.
 */
export class SeiSender {
  #number = 0;
  #current: { nal: Buffer; left: Record<Layer, number>; fromMs: number; keyFramesOnly: boolean } | undefined;

  constructor(private readonly nowMs: () => number) {}

  /** Replaces the message that is in flight. */
  send(message: SeiMessage): void {
    const uuid = Buffer.alloc(16);
    OWN_SEI_PREFIX.copy(uuid);
    uuid.writeUInt32BE(this.#number++ >>> 0, 12);
    const copies = message.repeatCount === FOR_EVER ? Infinity : Math.max(1, message.repeatCount);
    this.#current = {
      nal: buildSei(uuid, message.data),
      left: { high: copies, low: copies },
      fromMs: this.nowMs() + Math.max(0, message.delayMs),
      keyFramesOnly: message.keyFramesOnly,
    };
  }

  clear(): void {
    this.#current = undefined;
  }

  /** An access unit on its way out. Each layer gets all copies: a receiver sees one of them. */
  decorate(accessUnit: Buffer, keyFrame: boolean, layer: Layer): Buffer {
    const current = this.#current;
    if (current === undefined || current.left[layer] <= 0) return accessUnit;
    if (this.nowMs() < current.fromMs || (current.keyFramesOnly && !keyFrame)) return accessUnit;
    current.left[layer]--;
    return insertSei(accessUnit, current.nal);
  }
}
