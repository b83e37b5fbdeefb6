import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RunningServer } from '../../integration/channelserver/running_server.js';
import { APP_ID, APP_KEY } from '../../support/running_daemon.js';

/** A channel server of its own that takes the tokens of startDaemon(). */
export class ChannelServerForDaemon implements AsyncDisposable {
  private constructor(
    private readonly server: RunningServer,
    private readonly folder: string,
  ) {}

  static async start(args: readonly string[] = []): Promise<ChannelServerForDaemon> {
    const folder = await mkdtemp(path.join(tmpdir(), 'alirtcd-keys-'));
    const keys = path.join(folder, 'keys.yaml');
    await writeFile(keys, `${APP_ID}: ${APP_KEY}\n`, { mode: 0o600 });
    return new ChannelServerForDaemon(await RunningServer.start([...args, '--keys', keys]), folder);
  }

  get url(): string {
    return this.server.url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }
}
