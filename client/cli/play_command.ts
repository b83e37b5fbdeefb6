import type { Command } from 'commander';
import type { ChannelProfile } from '../../gen/alirtc/v1/types.js';
import { AlirtcClient } from '../alirtc_client.js';
import { abortedOrAfter } from './io.js';
import type { CommandContext } from './io.js';
import { parseCount, parseProfile, parseSeconds } from './parse.js';

interface PlayOptions {
  channel: string;
  user: string;
  loop?: true;
  seconds?: number;
  token?: string;
  appId?: string;
  profile?: ChannelProfile;
  stereo?: true;
  bitrate?: number;
}

export function addPlayCommand(program: Command, context: () => CommandContext): void {
  program
    .command('play')
    .description('play a media file into a channel, in real time')
    .argument('<file>', 'any file that FFmpeg can read')
    .requiredOption('--channel <id>', 'the channel')
    .requiredOption('--user <id>', 'the user id to join as')
    .option('--loop', 'begin anew at the end')
    .option('--seconds <time>', 'end after this time', parseSeconds)
    .option('--bitrate <kbps>', 'of the pictures, kbit/s; default by their size', parseCount)
    .option('--stereo', 'two channels of sound instead of one')
    .option('--token <token>', 'default: asked of the daemon')
    .option('--app-id <id>', "the app id; default the first one of the daemon's key file")
    .option('--profile <profile>', "communication, live or low-latency-live; default the channel's", parseProfile)
    .action((file: string, options: PlayOptions) => play(context(), file, options));
}

async function play(
  { address, connection, json, io }: CommandContext,
  file: string,
  options: PlayOptions,
): Promise<void> {
  const { channel, user: userId, loop, seconds, token, appId, profile, stereo, bitrate: bitrateKbps } = options;
  // FFmpeg takes longer to load than the rest together; only who needs it pays for it.
  const { FilePlayer } = await import('../media/index.js');
  await using client = await AlirtcClient.connect(address, connection());
  const audioChannels: 1 | 2 = stereo === true ? 2 : 1;
  const settings = {
    channel,
    userId,
    file,
    loop,
    token,
    appId,
    profile,
    audioChannels,
    bitrateKbps,
    signal: io.signal,
  };
  const player = new FilePlayer(client, settings);
  await player.start();
  if (!json) io.note(`playing ${file} into channel ${channel} as ${userId}; Ctrl-C ends it`);
  const ending = new AbortController();
  const signal = AbortSignal.any([io.signal, ending.signal]);
  try {
    const time = seconds === undefined ? undefined : seconds * 1000;
    await Promise.race([player.finished, abortedOrAfter(signal, time)]);
  } finally {
    ending.abort();
    await player.close();
  }
  const { pictures, skipped, seconds: played } = player.progress;
  const text = `played ${played.toFixed(1)} s, ${pictures} pictures${skipped === 0 ? '' : `, ${skipped} left out as too late`}`;
  io.print(json ? JSON.stringify({ pictures, skipped, seconds: played }) : text);
}
