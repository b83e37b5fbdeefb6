import type { Command } from 'commander';
import { TokenFormat } from '../../gen/alirtc/v1/token.js';
import { AlirtcClient } from '../alirtc_client.js';
import type { CommandContext } from './io.js';
import { parseSeconds } from './parse.js';

interface TokenOptions {
  channel: string;
  user: string;
  livekit?: true;
  ttl?: number;
  appId?: string;
}

export function addTokenCommand(program: Command, context: () => CommandContext): void {
  program
    .command('token')
    .description('make a token for a user of a channel')
    .requiredOption('--channel <id>', 'the channel')
    .requiredOption('--user <id>', 'the user')
    .option('--livekit', 'a LiveKit access token, for official LiveKit SDKs')
    .option('--ttl <time>', 'how long it is valid, e.g. 90s, 15m, 2h; default 24h', parseSeconds)
    .option('--app-id <id>', "the app id; default the first one of the daemon's key file")
    .action((options: TokenOptions) => printToken(context(), options));
}

async function printToken({ address, connection, json, io }: CommandContext, options: TokenOptions): Promise<void> {
  await using client = await AlirtcClient.connect(address, connection());
  const { channel, user: userId, appId, ttl } = options;
  const timestamp = ttl === undefined ? undefined : Math.floor(Date.now() / 1000 + ttl);
  const format = options.livekit === true ? TokenFormat.LIVEKIT : TokenFormat.ALIRTC;
  const call = { signal: io.signal };
  const { token, authInfo, channelServerUrl } = await client.generateToken(
    { channel, userId, appId, timestamp, format },
    call,
  );
  if (json) {
    io.print(
      JSON.stringify({
        token,
        channel,
        userId,
        appId: authInfo?.appId,
        timestamp: authInfo?.timestamp,
        channelServerUrl,
      }),
    );
    return;
  }
  io.print(token);
  if (options.livekit === true && channelServerUrl !== '') io.note(`connect with it to ${channelServerUrl}`);
}
