import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Lifecycle } from '../../../common/lifecycle.js';
import { freePorts } from './free_ports.js';
import { LoggedProcess } from './logged_process.js';

/** Debian's redis-server on a free port of 127.0.0.1, nothing written to disk but its log. */
export class RedisServer extends Lifecycle {
  #folder = '';
  #port = 0;
  #process: LoggedProcess | undefined;

  /** host:port */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Valid once started: kill it, start it again on the same port, without what it knew. */
  get process(): LoggedProcess {
    if (this.#process === undefined) throw new Error('Redis was not started');
    return this.#process;
  }

  protected override async onStart(): Promise<void> {
    this.#folder = await mkdtemp(path.join(tmpdir(), 'redis-'));
    this.#port = await freePorts(1);
    this.#process = new LoggedProcess({
      name: 'redis-server (Debian: redis-server)',
      command: 'redis-server',
      args: [
        ...['--bind', '127.0.0.1', '--port', String(this.#port), '--dir', this.#folder],
        ...['--save', '', '--appendonly', 'no', '--daemonize', 'no'],
      ],
      logFile: path.join(this.#folder, 'redis.log'),
      isReady: () => pong(this.#port),
    });
    await this.#process.start();
  }

  protected override async onClose(): Promise<void> {
    await this.#process?.end();
    if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true });
  }
}

/** PING answered by +PONG. */
function pong(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (data) => {
      resolve(data.toString('latin1').startsWith('+PONG'));
      socket.destroy();
    });
    socket.on('error', () => resolve(false)).on('close', () => resolve(false));
  });
}
