import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../common/errors.js';
import { Lifecycle } from '../../common/lifecycle.js';
import type { Logger } from '../../common/logger.js';
import type { Clock } from '../clock.js';
import { withDeadline } from '../clock.js';

type Environment = Record<string, string | undefined>;
/** Hands assignments of sd_notify(3), "READY=1", to the service manager as one message. */
export type SendNotification = (assignments: readonly string[]) => Promise<void>;

export interface ServiceManagerOptions {
  /** Of systemd: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID. They are taken out of it, so that no child gets them. */
  environment: Environment;
  logger: Logger;
  clock: Clock;
  /** What is wrong with a part that the daemon cannot do without; undefined: nothing. */
  findFault: () => Promise<string | undefined>;
  /** By the command systemd-notify unless given. */
  send?: SendNotification;
}

const SEND_TIMEOUT_MS = 5_000;
const LONGEST_LOOK_MS = 5_000;
/** Beyond the time that engines are given: leaving channels and the kill ladder. */
const CLOSING_SECONDS = 30;
/** A service manager that does not read must not make a queue grow. */
const MOST_WAITING = 16;

/**
 * Tells systemd how the daemon does (sd_notify(3)), and that it lives (watchdog, sd_watchdog_enabled(3)). Node has no datagram sockets of the Unix kind, so systemd's own
 * command sends: two short processes a minute with the unit's WatchdogSec=60.
 */
export class ServiceManager extends Lifecycle {
  readonly #options: ServiceManagerOptions;
  readonly #send: SendNotification;
  readonly #watchdogMs: number;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #cancelBeat: () => void = () => undefined;
  #wasFaulty = false;

  private constructor(options: ServiceManagerOptions, socket: string, watchdogMs: number) {
    super();
    this.#options = options;
    this.#send = options.send ?? commandSender(socket, options.environment['PATH']);
    this.#watchdogMs = watchdogMs;
  }

  /** Undefined: nobody wants to be told. */
  static find(options: ServiceManagerOptions): ServiceManager | undefined {
    const { environment } = options;
    const { NOTIFY_SOCKET: socket = '', WATCHDOG_USEC: watchdogUs, WATCHDOG_PID: watchdogPid } = environment;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
    if (socket === '') return undefined;
    const isOurs = watchdogPid === undefined || watchdogPid === String(process.pid);
    const watchdogMs = isOurs ? Number(watchdogUs ?? 0) / 1000 : 0;
    return new ServiceManager(options, socket, Number.isFinite(watchdogMs) ? watchdogMs : 0);
  }

  /** SIGHUP has come. */
  reloading(): void {
    // CLOCK_MONOTONIC, as Type=notify-reload wants to see it.
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  /** `text` says what came of it. */
  reloaded(text: string): void {
    this.#tell('READY=1', `STATUS=${text}`);
  }

  /** Engines may go on for so long: the unit's TimeoutStopSec must not end them before. */
  draining(seconds: number): void {
    const extendUs = Math.round((seconds + CLOSING_SECONDS) * 1e6);
    this.#tell(`STATUS=draining: engines may go on for ${seconds} s`, `EXTEND_TIMEOUT_USEC=${extendUs}`);
  }

  /** The daemon closes from now on; close() is for when it has. */
  stopping(): void {
    this.#cancelBeat();
    this.#tell('STOPPING=1', 'STATUS=stopping: engines leave');
  }

  /** Resolves when the manager has been told that the daemon is ready. */
  protected override async onStart(): Promise<void> {
    this.#tell('READY=1', 'STATUS=ready');
    await this.#last;
    this.#beatLater();
  }

  protected override async onClose(): Promise<void> {
    this.#cancelBeat();
    await this.#last;
  }

  #beatLater(): void {
    if (this.#watchdogMs <= 0) return;
    // sd_watchdog_enabled(3) recommends half of the time.
    this.#cancelBeat = this.#options.clock.after(this.#watchdogMs / 2, () => void this.#beat());
  }

  /** A beat that is left out is not the end: the manager waits for the second half of its time. */
  async #beat(): Promise<void> {
    const fault = await this.#look();
    if (this.state !== 'ready') return;
    if (fault === undefined) this.#tell('WATCHDOG=1', ...(this.#wasFaulty ? ['STATUS=ready'] : []));
    else {
      this.#options.logger.error({ reason: fault }, 'the daemon is not well: the watchdog is not told that it lives');
      this.#tell(`STATUS=not well: ${fault}`);
    }
    this.#wasFaulty = fault !== undefined;
    this.#beatLater();
  }

  async #look(): Promise<string | undefined> {
    const { findFault, clock } = this.#options;
    const limitMs = Math.min(LONGEST_LOOK_MS, this.#watchdogMs / 4);
    try {
      return await withDeadline(findFault(), limitMs, clock, () => new Error(`no answer in ${limitMs} ms`));
    } catch (error) {
      return messageOf(error);
    }
  }

  /** One after the other, as they were told. */
  #tell(...assignments: string[]): void {
    if (this.#waiting >= MOST_WAITING) return;
    this.#waiting += 1;
    // A line feed would begin another assignment.
    const lines = assignments.map((assignment) => assignment.replaceAll('\n', ' '));
    this.#last = this.#last
      .then(() => this.#send(lines))
      .catch((error: unknown) => {
        this.#options.logger.warn({ told: lines, reason: messageOf(error) }, 'the service manager could not be told');
      })
      .finally(() => (this.#waiting -= 1));
  }
}

/** systemd-notify(1). It waits until systemd has read the message, which else could not say from whom it came: NotifyAccess=all. */
function commandSender(socket: string, searchPath = '/usr/bin:/bin'): SendNotification {
  return async (assignments) => {
    await promisify(execFile)('systemd-notify', [...assignments], {
      timeout: SEND_TIMEOUT_MS,
      env: { PATH: searchPath, NOTIFY_SOCKET: socket },
    });
  };
}
