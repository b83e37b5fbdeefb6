import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AlirtcClient } from '../../client/index.js';
import { BIN, startDaemon, type RunningDaemon } from '../support/running_daemon.js';
import { inspectorUrl } from './inspector.js';
import type { FamilyOptions } from './machine.js';

const INSPECT = '--inspect=127.0.0.1:0';

/** A daemon with the embedded channel server, both with an inspector, and a folder that nobody else has. */
export class NodeUnderSoak implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    readonly daemon: RunningDaemon,
    readonly client: AlirtcClient,
    readonly inspectorUrl: string | undefined,
  ) {}

  static async start(args: readonly string[]): Promise<NodeUnderSoak> {
    const folder = await mkdtemp(path.join(tmpdir(), 'alirtcd-soak-'));
    for (const name of ['home', 'tmp']) mkdirSync(path.join(folder, name));
    // The daemon gives its environment to nobody: where the channel server is to have an inspector, its command says so.
    const channelServer = path.join(folder, 'alirtc-channelserver');
    const command = `NODE_OPTIONS=${INSPECT} exec '${path.join(BIN, 'alirtc-channelserver')}' "$@" 2>>'${logOf(folder)}'`;
    writeFileSync(channelServer, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
    writeFileSync(logOf(folder), '');
    const daemon = await startDaemon({
      args: ['--builtin-channel-server', channelServer, ...args],
      env: { HOME: path.join(folder, 'home'), TMPDIR: path.join(folder, 'tmp'), NODE_OPTIONS: INSPECT },
    });
    const url = inspectorUrl(daemon.log());
    return new NodeUnderSoak(folder, daemon, await AlirtcClient.connect(daemon.address), url);
  }

  get httpUrl(): string {
    return this.daemon.ready.http ?? '';
  }

  /** Of the channel server that runs now. */
  get channelServerInspectorUrl(): string | undefined {
    return inspectorUrl(readFileSync(logOf(this.folder), 'utf8').split('\n'));
  }

  get family(): FamilyOptions {
    const { folder } = this;
    return {
      pid: this.daemon.ready.pid,
      home: path.join(folder, 'home'),
      folders: [path.join(folder, 'tmp'), path.join(this.daemon.folder, 'log')],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.daemon.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function logOf(folder: string): string {
  return path.join(folder, 'channelserver.log');
}
