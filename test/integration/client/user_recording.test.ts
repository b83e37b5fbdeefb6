import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserRecording } from '../../../client/media/user_recording.js';
import type { UserReport } from '../../../client/media/user_recording.js';
import { VideoCodec, VideoTrackType } from '../../../client/index.js';
import type { AudioFrame, EncodedPicture } from '../../../client/index.js';
import { encodePictures } from '../../support/media/encode_pictures.js';
import type { EncodedUnit } from '../../support/media/encode_pictures.js';
import { NumberedPictures } from '../../support/media/numbered_picture.js';
import { analyseRecording } from '../../support/media/recording_analysis.js';
import { ToneSource } from '../../support/media/tones.js';

const FPS = 30;
const SECONDS = 4;
const EPOCH_US = 1_800_000_000_000_000;
const TONES = { frequency: 440, beepFrequency: 1760 };
const PICTURES = new NumberedPictures(320, 240, FPS);

interface Script {
  units: EncodedUnit[];
  codec?: VideoCodec;
  /** Capture time of picture n; undefined: it got lost. */
  pictureUs?: (n: number) => number | undefined;
  /** Capture time of the n-th 10 ms of sound; undefined: it got lost. */
  soundUs?: (n: number) => number | undefined;
  sound?: boolean;
}

describe('The recording of a user', () => {
  let folder: string;
  let h264: EncodedUnit[];

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'alirtc-recording-'));
    h264 = encodePictures('h264', PICTURES, FPS * SECONDS, FPS);
  });

  after(() => rm(folder, { recursive: true }));

  async function record(name: string, script: Script): Promise<UserReport> {
    const recording = new UserRecording(name, path.join(folder, `${name}.mp4`), 1);
    const pictureUs = script.pictureUs ?? ((n: number) => EPOCH_US + Math.round((n * 1e6) / FPS));
    const soundUs = script.soundUs ?? ((n: number) => EPOCH_US + n * 10_000);
    const tone = new ToneSource({ sampleRate: 48_000, channels: 1, ...TONES });
    // By the order of capture, a second of each in turns, as slow readers get them.
    for (let second = 0; second < SECONDS; second++) {
      for (let n = second * FPS; n < (second + 1) * FPS; n++) {
        const timeUs = pictureUs(n);
        const unit = script.units[n];
        if (timeUs !== undefined && unit !== undefined)
          await recording.picture(picture(n, unit, timeUs, script.codec ?? VideoCodec.H264), timeUs + 20_000);
      }
      for (let n = second * 100; n < (second + 1) * 100; n++) {
        const samples = tone.next(480);
        const timeUs = soundUs(n);
        if (script.sound !== false && timeUs !== undefined)
          await recording.sound(sound(n, samples, timeUs), timeUs + 20_000);
      }
    }
    return recording.finish();
  }

  it('holds every picture as it was sent and the sound, in step, with the index in front', async () => {
    const report = await record('plain', { units: h264 });
    assert.ok(report.file !== undefined);
    const { video, audio, avOffsetMs } = await analyseRecording(report.file, TONES);
    assert.deepEqual(
      video?.numbers,
      Array.from({ length: FPS * SECONDS }, (_, n) => n),
    );
    assert.deepEqual([video.codec, video.width, video.height], ['h264', 320, 240]);
    assert.ok(Math.abs(video.seconds - (SECONDS - 1 / FPS)) < 0.001, `pictures last ${video.seconds} s`);
    assert.ok(audio !== undefined && Math.abs(audio.seconds - SECONDS) < 0.05, `sound lasts ${audio?.seconds} s`);
    assert.ok(audio.toneShare > 0.9);
    assert.ok(avOffsetMs !== undefined && Math.abs(avOffsetMs) < 5, `the sound is ${avOffsetMs} ms late`);
    const file = await readFile(report.file);
    assert.ok(file.indexOf('moov') < file.indexOf('mdat'), 'the index is behind the media');
    // Not transcoded: what a picture held is in the file byte for byte.
    const slice = h264[5]?.data.subarray(-200);
    assert.ok(slice !== undefined && file.includes(slice));
    assert.deepEqual(report.video, {
      codec: 'h264',
      transcoded: false,
      width: 320,
      height: 240,
      frames: FPS * SECONDS,
      keyFrames: SECONDS,
      dropped: 0,
      seconds: 3.966667,
      bitrateKbps: report.video?.bitrateKbps,
    });
    assert.deepEqual(
      [report.audio?.codec, report.audio?.seconds, report.audio?.silenceMs, report.error],
      ['aac', SECONDS, 0, undefined],
    );
    assert.deepEqual(
      (await readdir(folder)).filter((name) => !name.endsWith('.mp4')),
      [],
    );
  });

  it('keeps them in step when sound begins later, is lost for a while, and pictures come unevenly', async () => {
    const report = await record('gaps', {
      units: h264,
      pictureUs: (n) => EPOCH_US + Math.round((n * 1e6) / FPS) + (n % 3) * 4_000,
      soundUs: (n) => (n < 50 || (n >= 130 && n < 170) ? undefined : EPOCH_US + n * 10_000),
    });
    const { video, audio, avOffsetMs } = await analyseRecording(report.file ?? '', TONES);
    assert.equal(video?.frames, FPS * SECONDS);
    assert.ok(avOffsetMs !== undefined && Math.abs(avOffsetMs) < 1000 / FPS, `the sound is ${avOffsetMs} ms late`);
    // The beeps after the hole are where they belong.
    const beeps = audio?.beeps.filter((t) => t > 1.8) ?? [];
    assert.deepEqual(
      beeps.map((t) => Math.round(t * 20) / 20),
      [2, 3],
    );
    assert.equal(report.audio?.silenceMs, 400);
  });

  it('counts the pictures that are missing and shows the one before for longer', async () => {
    const report = await record('lost', {
      units: h264,
      pictureUs: (n) => (n >= 35 && n < 60 ? undefined : EPOCH_US + Math.round((n * 1e6) / FPS)),
    });
    assert.equal(report.video?.dropped, 25);
    const { video, avOffsetMs } = await analyseRecording(report.file ?? '', TONES);
    assert.equal(video?.frames, FPS * SECONDS - 25);
    assert.ok(Math.abs((video?.seconds ?? 0) - (SECONDS - 1 / FPS)) < 0.001);
    assert.ok(avOffsetMs !== undefined && Math.abs(avOffsetMs) < 5);
  });

  it('goes on without a leap when the sender tells that its clock is an hour off', async () => {
    const HOUR_US = 3_600_000_000;
    const recording = new UserRecording('clock', path.join(folder, 'clock.mp4'), 1);
    const tone = new ToneSource({ sampleRate: 48_000, channels: 1, ...TONES });
    for (let n = 0; n < 300; n++) {
      const arrivalUs = EPOCH_US + n * 10_000;
      const number = (n * 3) / 10;
      const unit = h264[number];
      // Pictures are told by the sender's clock from 1 s on, sound from 1.5 s on.
      const pictureUs = arrivalUs + (n >= 100 ? HOUR_US - 30_000 : 0);
      if (unit !== undefined) await recording.picture(picture(number, unit, pictureUs, VideoCodec.H264), arrivalUs);
      const soundUs = arrivalUs + (n >= 150 ? HOUR_US - 30_000 : 0);
      await recording.sound(sound(n, tone.next(480), soundUs), arrivalUs);
    }
    const report = await recording.finish();
    assert.ok(Math.abs(report.seconds - 3) < 0.1, `${report.seconds} s`);
    assert.ok((report.audio?.silenceMs ?? 0) <= 50);
  });

  it('encodes VP8 again as H.264 and says so', async () => {
    const vp8 = encodePictures('vp8', PICTURES, FPS * SECONDS, FPS);
    const report = await record('vp8', { units: vp8, codec: VideoCodec.VP8 });
    assert.deepEqual([report.video?.codec, report.video?.transcoded], ['vp8', true]);
    const { video, avOffsetMs } = await analyseRecording(report.file ?? '', TONES);
    assert.equal(video?.codec, 'h264');
    assert.deepEqual(
      video.numbers,
      Array.from({ length: FPS * SECONDS }, (_, n) => n),
    );
    assert.ok(avOffsetMs !== undefined && Math.abs(avOffsetMs) < 5);
  });

  it('writes sound alone, pictures alone, and no file for neither', async () => {
    const onlySound = await record('sound', { units: [] });
    const heard = await analyseRecording(onlySound.file ?? '', TONES);
    assert.equal(heard.video, undefined);
    assert.ok(Math.abs((heard.audio?.seconds ?? 0) - SECONDS) < 0.05);
    const onlyPictures = await record('pictures', { units: h264, sound: false });
    const seen = await analyseRecording(onlyPictures.file ?? '', TONES);
    assert.equal(seen.audio, undefined);
    assert.equal(seen.video?.frames, FPS * SECONDS);
    const neither = await record('neither', { units: [], sound: false });
    assert.equal(neither.file, undefined);
    assert.ok(!(await readdir(folder)).some((name) => name.startsWith('neither')));
  });

  it('begins with the first key frame that carries its parameter sets', async () => {
    const report = await record('late', { units: h264.slice(10), sound: false });
    const { video } = await analyseRecording(report.file ?? '', TONES);
    assert.equal(video?.numbers[0], FPS);
  });
});

function picture(n: number, unit: EncodedUnit, captureTimeUs: number, codec: VideoCodec): EncodedPicture {
  return {
    sequence: n + 1,
    captureTimeUs,
    droppedBefore: 0,
    discontinuity: false,
    uid: 'u',
    track: VideoTrackType.CAMERA_LARGE,
    frameMs: Math.round((n * 1000) / FPS),
    frameNum: n + 1,
    width: 320,
    height: 240,
    codec,
    ...unit,
  };
}

function sound(n: number, samples: Int16Array, captureTimeUs: number): AudioFrame {
  return {
    sequence: n + 1,
    captureTimeUs,
    droppedBefore: 0,
    discontinuity: false,
    uid: 'u',
    frameMs: 10,
    sampleRateHz: 48_000,
    channels: 1,
    sampleBits: 16,
    samples: 480,
    streamIndex: 0,
    data: Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength),
  };
}
