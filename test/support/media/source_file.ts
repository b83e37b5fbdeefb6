import { Encoder, FF_ENCODER_AAC, FF_ENCODER_LIBX264, FFmpegError, FilterGraph, Frame, Muxer } from 'node-av';
import { drawPictureNumber } from './numbered_picture.js';

export interface SourceFileOptions {
  path: string;
  width: number;
  height: number;
  framesPerSecond: number;
  seconds: number;
  /** Hz of the tone; every second begins with a beep of `beepFactor` times that. */
  frequency: number;
  beepFactor: number;
}

/**
 * Makes a media file with FFmpeg's own sources: the test picture testsrc2, with its number drawn over it and white in the first tenth of every second,
 * and a sine with a beep every second. H.264 and AAC in MP4.
 */
export async function makeSourceFile(options: SourceFileOptions): Promise<void> {
  const { width, height, framesPerSecond, seconds, frequency, beepFactor } = options;
  using videoEncoder = await Encoder.create(FF_ENCODER_LIBX264, {
    bitrate: '1500k',
    gopSize: framesPerSecond * 2,
    maxBFrames: 0,
    options: { preset: 'veryfast', tune: 'zerolatency' },
  });
  using audioEncoder = await Encoder.create(FF_ENCODER_AAC, { bitrate: '96k' });
  await using output = await Muxer.open(options.path);
  const videoIndex = output.addStream(videoEncoder);
  const audioIndex = output.addStream(audioEncoder);
  const pictures = framesOf(
    `testsrc2=size=${width}x${height}:rate=${framesPerSecond}:duration=${seconds},format=yuv420p,buffersink@out`,
  );
  const sound = framesOf(
    `sine=frequency=${frequency}:beep_factor=${beepFactor}:sample_rate=48000:duration=${seconds},volume=2,` +
      'aformat=sample_fmts=fltp:channel_layouts=mono,abuffersink@out',
  );
  await Promise.all([
    writeAll(output, videoIndex, videoEncoder.packets(numberFrames(pictures, framesPerSecond))),
    writeAll(output, audioIndex, audioEncoder.packets(sound)),
  ]);
}

/** Runs a filter graph that begins with a source and ends in a sink named "out". */
async function* framesOf(description: string): AsyncGenerator<Frame | null> {
  using graph = new FilterGraph();
  graph.alloc();
  FFmpegError.throwIfError(graph.parsePtr(description), `filter graph ${description}`);
  FFmpegError.throwIfError(await graph.config(), `filter graph ${description}`);
  const sink = graph.filters?.find((filter) => filter.name?.endsWith('buffersink@out'));
  if (sink === undefined) throw new Error('the filter graph has no sink');
  for (;;) {
    const frame = new Frame();
    frame.alloc();
    if ((await sink.buffersinkGetFrame(frame)) < 0) {
      frame.free();
      break;
    }
    frame.timeBase = sink.buffersinkGetTimeBase();
    yield frame;
  }
  yield null;
}

async function writeAll(output: Muxer, index: number, packets: ReturnType<Encoder['packets']>): Promise<void> {
  for await (using packet of packets) await output.writePacket(packet, index);
}

async function* numberFrames(
  frames: AsyncGenerator<Frame | null>,
  framesPerSecond: number,
): AsyncGenerator<Frame | null> {
  let number = 0;
  for await (const frame of frames) {
    if (frame !== null) {
      frame.makeWritable();
      const luma = frame.data?.[0];
      const stride = frame.linesize[0];
      if (luma === undefined || stride === undefined) throw new Error('a picture without a luma plane');
      if (number % framesPerSecond < Math.max(1, Math.round(framesPerSecond / 10))) luma.fill(235);
      drawPictureNumber(number, luma, frame.width, frame.height, stride);
      number++;
    }
    yield frame;
  }
}
