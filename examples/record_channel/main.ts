/**
 * The main job on real media: a participant that is not ours (@livekit/rtc-node) and a file that an engine of ours plays meet in a channel; another engine records
 * both. Everything that arrives is checked by its content. `make run`, with SECONDS=10, INPUT=file, KEEP=1.
 */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { AlirtcClient, TokenFormat } from '../../client/index.js';
import { ChannelRecorder, FilePlayer, type UserReport } from '../../client/media/index.js';
import { UsageMeter } from '../../bench/support/process_usage.js';
import { analyseRecording, type RecordingAnalysis } from '../../test/support/media/recording_analysis.js';
import { makeSourceFile } from '../../test/support/media/source_file.js';
import { RtcPeer } from '../../test/support/rtc_peer/index.js';
import { startDaemon } from '../../test/support/running_daemon.js';
import { Checks, checkForeign, checkRecording, type Expected } from './checks.js';
import { keepRunning } from './keep_running.js';
import { readOptions, type DemoOptions } from './options.js';

const CHANNEL = 'demo';
const FOREIGN: Expected & { beepFrequency: number } = {
  frequency: 440,
  beepFrequency: 1000,
  seconds: 0,
  framesPerSecond: 30,
  marked: true,
};
const PLAYER: Expected & { beepFrequency: number } = {
  frequency: 600,
  beepFrequency: 1500,
  seconds: 0,
  framesPerSecond: 25,
  marked: true,
};

const step = (text: string): void => console.log(`\n== ${text}`);

async function sourceFile(options: DemoOptions): Promise<string> {
  if (options.input !== undefined) return options.input;
  const file = path.join(options.root, 'out', 'source.mp4');
  await mkdir(path.dirname(file), { recursive: true });
  await makeSourceFile({
    path: file,
    width: 640,
    height: 360,
    framesPerSecond: PLAYER.framesPerSecond,
    seconds: options.seconds + 20,
    frequency: PLAYER.frequency,
    beepFactor: PLAYER.beepFrequency / PLAYER.frequency,
  });
  return file;
}

async function run(options: DemoOptions): Promise<number> {
  const checks = new Checks();
  await rm(options.outFolder, { recursive: true, force: true });
  step(
    options.input === undefined ? "a media file is made with FFmpeg's sources" : `the media file is ${options.input}`,
  );
  const file = await sourceFile(options);

  step('the daemon starts, with the embedded channel server');
  // Left up, the console has its usual address (another one when that is taken).
  const http = options.keep ? [] : ['--http-listen', '127.0.0.1:0'];
  await using daemon = await startDaemon({ args: [...http, '--console-tokens', 'on'] });
  await using client = await AlirtcClient.connect(daemon.address);
  console.log(`  daemon ${daemon.ready.pid} at ${daemon.address}, channel server at ${daemon.ready.channelServerUrl}`);
  console.log(
    `  console at ${daemon.ready.console}${options.keep ? '' : ' while this runs; KEEP=1 leaves it up to look at'}`,
  );

  step('a participant that is not ours joins and publishes: 640x360 at 30 fps, H.264, and a tone with beeps');
  await using foreign = await RtcPeer.start();
  const { token } = await client.generateToken({ channel: CHANNEL, userId: 'rtc-node', format: TokenFormat.LIVEKIT });
  await foreign.call('connect', { url: daemon.ready.channelServerUrl, token });
  await foreign.call('publish_video', {
    width: 640,
    height: 360,
    framesPerSecond: FOREIGN.framesPerSecond,
    codec: 'h264',
  });
  await foreign.call('publish_audio', {
    frequency: FOREIGN.frequency,
    beepFrequency: FOREIGN.beepFrequency,
    red: false,
  });

  step('an engine of ours plays the file into the channel');
  const player = new FilePlayer(client, { channel: CHANNEL, userId: 'player', file, loop: true });
  await player.start();
  await foreign.waitFor((event) => event.event === 'track_subscribed' && event.identity === 'player');

  step(`another engine records both for ${options.seconds} s`);
  const recorder = new ChannelRecorder(client, { channel: CHANNEL, userId: 'recorder', outFolder: options.outFolder });
  await recorder.start();
  const usage = await meterProcesses(client, foreign.pid);
  await foreign.call('report', {});
  for (let second = 1; second <= options.seconds; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const seen = recorder.progress.map(
      (p) => `${p.uid} ${p.pictures} pictures, ${p.soundSeconds.toFixed(1)} s of sound`,
    );
    console.log(`  ${String(second).padStart(3)} s: ${seen.filter((text) => !text.includes(' screen ')).join(' | ')}`);
  }
  const foreignReport = await foreign.call('report', {});
  const used = usage.read();
  await recorder.close();
  if (!options.keep) await player.close();

  step('what arrived');
  const player1: Expected = { ...PLAYER, seconds: options.seconds, marked: options.input === undefined };
  checkForeign(checks, 'player', foreignReport, player1);
  const lines = await checkRecordings(checks, recorder.reports, options, player1);
  step('CPU and memory while recording');
  console.table(used);
  if (options.keep) {
    step('KEEP=1: everything stays up, and an engine watches');
    await keepRunning(client, CHANNEL, daemon.ready);
    await player.close().catch(() => undefined);
  }
  step(checks.failed === 0 ? 'everything arrived and was checked' : `${checks.failed} checks failed`);
  for (const line of lines) console.log(line);
  return checks.failed === 0 ? 0 : 1;
}

async function meterProcesses(client: AlirtcClient, foreignPid: number): Promise<UsageMeter> {
  const { processes } = await client.nodeStatus();
  const named = processes.map((p) => [p.kind === 'core' ? `core ${p.engineId}` : p.kind, p.processId] as const);
  return new UsageMeter({ ...Object.fromEntries(named), 'client (this process)': process.pid, 'rtc-node': foreignPid });
}

async function checkRecordings(
  checks: Checks,
  reports: readonly UserReport[],
  options: DemoOptions,
  player: Expected,
): Promise<string[]> {
  const lines: string[] = [];
  for (const [uid, expected, beepFrequency] of [
    ['rtc-node', { ...FOREIGN, seconds: options.seconds }, FOREIGN.beepFrequency],
    ['player', player, PLAYER.beepFrequency],
  ] as const) {
    const report = reports.find((r) => r.uid === uid && r.file !== undefined);
    if (report?.file === undefined) {
      checks.check(`${uid}: recording`, false, report?.error ?? 'there is none');
      continue;
    }
    const analysis = await analyseRecording(report.file, { frequency: expected.frequency, beepFrequency });
    console.log(`  ${summary(report)}`);
    checkRecording(checks, uid, analysis, expected);
    lines.push(recordingLine(path.relative(options.root, report.file), analysis));
  }
  return lines;
}

function summary(report: UserReport): string {
  const { video, audio } = report;
  const pictures =
    video === undefined
      ? 'no pictures'
      : `${video.frames} pictures at ${video.bitrateKbps} kbit/s, ${video.dropped} dropped`;
  const sound =
    audio === undefined
      ? 'no sound'
      : `${audio.seconds.toFixed(1)} s of sound, ${audio.dropped} chunks dropped, ${audio.silenceMs} ms of silence put in`;
  return `${report.uid}: ${pictures}; ${sound}`;
}

function recordingLine(file: string, { video, audio }: RecordingAnalysis): string {
  const videoPart =
    video === undefined ? 'video=none' : `video=${video.codec} ${video.width}x${video.height} frames=${video.frames}`;
  const audioPart = audio === undefined ? 'audio=none' : `audio=${audio.codec} ${audio.sampleRate}Hz`;
  const seconds = Math.max(video?.seconds ?? 0, audio?.seconds ?? 0).toFixed(1);
  return `RECORDING ${file} ${videoPart} ${audioPart} seconds=${seconds}`;
}

process.exitCode = await run(readOptions(process.env));
