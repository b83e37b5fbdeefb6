import type { ConnectOptions } from '../alirtc_client.js';

/** What a command has of the world, so that tests can give it another one. */
export interface CliIo {
  /** A line on standard output: results only. */
  print: (line: string) => void;
  /** A line on standard error: progress, notes, errors. */
  note: (line: string) => void;
  /** Aborted by SIGINT or SIGTERM: end in order. */
  signal: AbortSignal;
  env: NodeJS.ProcessEnv;
  readStdin: () => Promise<string>;
  /** Progress is wanted: somebody looks at the terminal. */
  interactive: boolean;
  /** Left out: standard output is no terminal. */
  screen?: Screen;
}

/** A terminal that a command may draw on. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
  /** Each key as it is pressed, Ctrl-C too, until the returned function is called. */
  onKey(listener: (key: string) => void): () => void;
}

export interface GlobalOptions {
  address: string;
  json: boolean;
}

/** What every command is given. */
export interface CommandContext extends GlobalOptions {
  /** Certificates and token; reads their files. */
  connection: () => Pick<ConnectOptions, 'tls' | 'token'>;
  io: CliIo;
}

/** Resolves when the signal aborts or the time is over. */
export function abortedOrAfter(signal: AbortSignal, timeoutMs?: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    // Without a time the process has to stay alive all the same.
    const timer = setTimeout(finish, timeoutMs ?? 0x7fffffff);
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
  });
}
