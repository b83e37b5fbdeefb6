import type { Command } from 'commander';
import type { ChannelProfile } from '../../gen/alirtc/v1/types.js';
import { AlirtcClient } from '../alirtc_client.js';
import type { UserReport } from '../media/index.js';
import { abortedOrAfter } from './io.js';
import type { CommandContext } from './io.js';
import { collect, parseProfile, parseSeconds } from './parse.js';

interface RecordOptions {
  channel: string;
  user: string;
  out: string;
  seconds?: number;
  userId?: string[];
  token?: string;
  appId?: string;
  profile?: ChannelProfile;
  stereo?: true;
}

export function addRecordCommand(program: Command, context: () => CommandContext): void {
  program
    .command('record')
    .description('record a channel: one MP4 for each remote user, until Ctrl-C')
    .requiredOption('--channel <id>', 'the channel')
    .requiredOption('--user <id>', 'the user id to join as')
    .option('--out <folder>', 'where the files go', '.')
    .option('--seconds <time>', 'end after this time', parseSeconds)
    .option('--user-id <id>', 'record only this user; may be given several times', collect)
    .option('--token <token>', 'default: asked of the daemon')
    .option('--app-id <id>', "the app id; default the first one of the daemon's key file")
    .option('--profile <profile>', "communication, live or low-latency-live; default the channel's", parseProfile)
    .option('--stereo', 'two channels of sound instead of one')
    .action((options: RecordOptions) => record(context(), options));
}

async function record({ address, connection, json, io }: CommandContext, options: RecordOptions): Promise<void> {
  const { channel, user, out, seconds, userId, token, appId, profile, stereo } = options;
  // FFmpeg takes longer to load than the rest together; only who needs it pays for it.
  const { ChannelRecorder } = await import('../media/index.js');
  await using client = await AlirtcClient.connect(address, connection());
  const recorder = new ChannelRecorder(client, {
    channel,
    userId: user,
    outFolder: out,
    userIds: userId,
    token,
    appId,
    profile,
    audioChannels: stereo === true ? 2 : 1,
    signal: io.signal,
  });
  await recorder.start();
  if (!json) io.note(`recording channel ${channel} into ${out}; Ctrl-C ends it`);
  const progress = setInterval(() => io.note(progressLine(recorder.progress)), io.interactive ? 1_000 : 10_000);
  try {
    const time = seconds === undefined ? undefined : seconds * 1000;
    await Promise.race([abortedOrAfter(io.signal, time), recorder.done]);
  } finally {
    clearInterval(progress);
    await recorder.close();
  }
  for (const report of recorder.reports) io.print(json ? JSON.stringify(report) : reportText(report));
  if (recorder.reports.length === 0) io.note('nobody was there');
  const cause = await recorder.done;
  if (cause.kind === 'failed') throw cause.error;
}

function progressLine(users: { uid: string; screen: boolean; pictures: number; soundSeconds: number }[]): string {
  const active = users.filter(({ pictures, soundSeconds }) => pictures > 0 || soundSeconds > 0);
  if (active.length === 0) return 'waiting for users';
  return active
    .map(
      (u) => `${u.uid}${u.screen ? ' (screen)' : ''}: ${u.pictures} pictures, ${u.soundSeconds.toFixed(0)} s of sound`,
    )
    .join('; ');
}

export function reportText({ uid, screen, file, seconds, video, audio, error }: UserReport): string {
  const parts = [`${uid}${screen ? ' (screen)' : ''}: ${file ?? 'nothing received'}`];
  if (file !== undefined) parts.push(`${seconds.toFixed(1)} s`);
  if (video !== undefined) {
    const how = video.transcoded ? `${video.codec} encoded again as h264` : `${video.codec} as sent`;
    parts.push(
      `${how} ${video.width}x${video.height}`,
      `${video.frames} pictures (${video.dropped} missing)`,
      `${video.bitrateKbps} kbit/s`,
    );
  }
  if (audio !== undefined)
    parts.push(`aac ${audio.sampleRateHz} Hz, ${audio.seconds.toFixed(1)} s (${audio.silenceMs} ms of it filled in)`);
  if (error !== undefined) parts.push(`ended early: ${error}`);
  return parts.join(', ');
}
