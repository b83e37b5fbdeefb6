import { Log } from 'node-av/lib';
import { AV_LOG_FATAL } from 'node-av/constants';
import { RtpHeader, RtpPacket, type RTCRtpSender } from 'werift';
import { packetizeH264 } from '../../../rtp/h264_packetizer.js';
import { encodePictures, type EncodedUnit } from '../media/encode_pictures.js';
import { NumberedPictures } from '../media/numbered_picture.js';
import { packetizeH265 } from './h265_payload.js';

export type CameraCodec = 'h264' | 'h265';

export const CAMERA = { width: 320, height: 180, framesPerSecond: 15 };
/** Two seconds that come again and again, with a key frame each second: nobody has to ask for one. */
const PICTURES = 30;
const PAYLOAD_BYTES = 1100;
const CLOCK_RATE = 90_000;

Log.setLevel(AV_LOG_FATAL);

const PACKETIZERS = { h264: packetizeH264, h265: packetizeH265 };
const encoded = new Map<CameraCodec, EncodedUnit[]>();

/** Encoded once for a process. */
function unitsOf(codec: CameraCodec): EncodedUnit[] {
  const { width, height, framesPerSecond } = CAMERA;
  const units =
    encoded.get(codec) ??
    encodePictures(codec, new NumberedPictures(width, height, framesPerSecond), PICTURES, framesPerSecond);
  encoded.set(codec, units);
  return units;
}

/** Sends numbered pictures, encoded by FFmpeg, by the clock until it is stopped. */
export class Camera {
  readonly #timer: NodeJS.Timeout;
  readonly #startedAtMs = performance.now();
  #pictures = 0;
  #sequence = 0;

  constructor(
    private readonly sender: RTCRtpSender,
    private readonly codec: CameraCodec,
  ) {
    const units = unitsOf(codec);
    this.#timer = setInterval(() => this.#play(units), 1000 / CAMERA.framesPerSecond / 2);
  }

  /** So many have left. */
  get pictures(): number {
    return this.#pictures;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #play(units: readonly EncodedUnit[]): void {
    const due = ((performance.now() - this.#startedAtMs) * CAMERA.framesPerSecond) / 1000;
    if (this.#pictures > due) return;
    const unit = units[this.#pictures % units.length];
    if (unit === undefined) return;
    const payloads = PACKETIZERS[this.codec](unit.data, PAYLOAD_BYTES);
    const timestamp = (this.#pictures * (CLOCK_RATE / CAMERA.framesPerSecond)) >>> 0;
    for (const [index, payload] of payloads.entries()) {
      this.#sequence = (this.#sequence + 1) & 0xffff;
      const header = new RtpHeader({
        sequenceNumber: this.#sequence,
        timestamp,
        marker: index === payloads.length - 1,
      });
      // Nothing leaves while the m-line is inactive or there is no connection.
      void this.sender.sendRtp(new RtpPacket(header, payload)).catch(() => undefined);
    }
    this.#pictures += 1;
  }
}
