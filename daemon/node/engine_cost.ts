import type { FrameKind } from '../media/media_frame.js';

/**
 * What streams cost, in ms of CPU for each second, core and daemon together. From bench/ (README, "Figures"): 720p30 H.264 of 2 Mbit/s received and handed to
 * one client takes 59 ms/s as encoded samples and 111 ms/s as raw pictures. Nearly all of the first grows with packets and messages; what decoding adds grows with pixels.
 */
const REFERENCE_PIXELS_PER_SECOND = 1280 * 720 * 28.5;
const RECEIVE_MS = 38;
const HAND_OUT_MS = 21;
const DECODE_MS = 52;
const SOUND_MS = 6;
/**
 * A core that is in a channel without media: six of them for 20 s took 25.0 ms/s of core, channel server and daemon together, without them these took 3.3. What starting and joining
 * take once (240 and 185 ms of CPU in that run) is in the measured load as soon as it happens, and is gone with it.
 */
export const NEW_ENGINE_MS = 4;

export interface Picture {
  width: number;
  height: number;
  framesPerSecond: number;
}

/** What a stream is taken for until it is seen. */
export const USUAL_PICTURE: Picture = { width: 1280, height: 720, framesPerSecond: 30 };
/** The small stream of a sender with two. */
export const SMALL_PICTURE: Picture = { width: 640, height: 360, framesPerSecond: 30 };

/** Of receiving a user's pictures: packets, retransmission, reassembly. Half of it does not depend on the size. */
export function receiveVideoMs(picture: Picture): number {
  return RECEIVE_MS * (0.5 + 0.5 * sizeOf(picture));
}

export function receiveAudioMs(): number {
  return SOUND_MS;
}

/** Of a client's stream of one user's frames, beyond receiving them. */
export function streamMs(kind: FrameKind, picture: Picture): number {
  switch (kind) {
    case 'pictures':
      return HAND_OUT_MS + DECODE_MS * sizeOf(picture);
    case 'encoded':
      return HAND_OUT_MS;
    case 'audio':
    case 'mixed':
    case 'audioAac':
    case 'mixedAac':
      return SOUND_MS;
  }
}

/** 1: the measured one. */
function sizeOf({ width, height, framesPerSecond }: Picture): number {
  return (width * height * framesPerSecond) / REFERENCE_PIXELS_PER_SECOND;
}
