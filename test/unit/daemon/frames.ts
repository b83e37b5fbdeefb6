import type { MediaFrame } from '../../../daemon/media/media_frame.js';

/** An encoded picture of anna's camera, numbered by the core. */
export function frame(coreSequence: number, options: Partial<MediaFrame> & { bytes?: number } = {}): MediaFrame {
  const { bytes = 10, ...rest } = options;
  return {
    kind: 'encoded',
    uid: 'anna',
    track: 0,
    sampleRate: 0,
    channels: 0,
    coreSequence,
    captureTimeUs: coreSequence,
    keyFrame: false,
    body: new Uint8Array(0),
    payload: Buffer.alloc(bytes),
    ...rest,
  };
}
