import { setTimeout as delay } from 'node:timers/promises';
import { NumberedPictures } from '../../support/media/numbered_picture.js';
import { tones } from '../audio/sound.js';
import type { ScriptedHost } from './scripted_host.js';

export const SIZE = { width: 320, height: 240 };
/** Hz, mono. */
export const RATE = 16_000;

/** Numbered pictures and a tone in real time. */
export function push(one: ScriptedHost): { stop: () => Promise<void> } {
  const pictures = new NumberedPictures(SIZE.width, SIZE.height, 15);
  let stopped = false;
  const loop = async (periodMs: number, step: (index: number) => void): Promise<void> => {
    const startedAt = performance.now();
    for (let index = 0; !stopped; index++) {
      await delay(Math.max(0, startedAt + index * periodMs - performance.now()));
      step(index);
    }
  };
  const running = Promise.all([
    loop(1000 / 15, (number) => {
      const data = pictures.draw(number);
      const { width, height } = SIZE;
      const layout = { strideY: width, strideU: width / 2, strideV: width / 2, height, width, rotation: 0 };
      one.send(
        { Command: 3, source: 0, format: 1, bufferType: 0, ...layout, timestamp: 0, dataLen: data.length },
        data,
      );
    }),
    loop(20, (index) => {
      const data = tones({ sampleRate: RATE, frequencies: [600] }, (index * RATE) / 50, RATE / 50);
      const ids = { isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 };
      one.send({ Command: 4, sampleLength: data.length, timestamp: 0, ...ids }, data);
    }),
  ]);
  return {
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}
