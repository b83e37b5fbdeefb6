import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { messageOf } from '../../../common/errors.js';
import { formatHttpAddress } from '../../../daemon/http/http_address.js';
import { formatListenAddress } from '../../../daemon/config/listen_address.js';
import type { ListenAddress } from '../../../daemon/config/listen_address.js';
import { AlirtcClient } from '../../alirtc_client.js';
import { AlirtcStatusError } from '../../status_error.js';
import { askHealth } from '../health_command.js';
import { failure, info, ok, warning } from './check.js';
import type { Check, DoctorContext, Finding } from './check.js';
import { holdersOf, processText } from './processes.js';

export interface AddressFacts {
  address: string;
  /** Of this command. */
  version: string;
  /** Of the connection: 'open', or the system's error code. */
  connection: string;
  /** SERVING, NOT_SERVING, ... of grpc.health.v1; undefined: no answer. */
  health?: string;
  /** Why there was none. */
  error?: string;
  /** Of the daemon; undefined: it did not tell us. */
  daemonVersion?: string;
  /** The daemon wants to know who asks. */
  needsToken?: boolean;
  /** Who listens, as far as it can be seen. */
  holder?: string;
  /** What a tls: listener shows is not what the file holds. */
  hasOldCertificate?: boolean;
}

const CONNECT_MS = 2_000;
const ANSWER_MS = 3_000;

export const runningDaemon: Check = { name: 'daemon', run: look };

async function look(context: DoctorContext): Promise<Finding[]> {
  const { config } = context;
  // A port of 0 is another one each time.
  const addresses = config.listen.filter((address) => address.kind === 'unix' || address.port !== 0);
  const facts = await Promise.all(addresses.map((address) => factsOf(address, context)));
  const isRunning = facts.some(({ health }) => health !== undefined);
  const findings = facts.flatMap((one) => judgeAddress(one, isRunning));
  if (!isRunning) {
    const http = await judgeHttpPort(context);
    if (http !== undefined) findings.push(http);
  }
  return findings;
}

async function factsOf(address: ListenAddress, context: DoctorContext): Promise<AddressFacts> {
  const text = formatListenAddress(reachable(address));
  const facts: AddressFacts = { address: text, version: context.version, connection: await tryConnect(address) };
  if (facts.connection !== 'open') return facts;
  const holder = address.kind === 'unix' ? undefined : (await holdersOf(new Set([address.port]))).get(address.port);
  const held = holder === undefined ? facts : { ...facts, holder: processText(holder) };
  if (address.kind === 'tls') return { ...held, ...(await lookAtTls(address, context)) };
  return { ...held, ...(await ask(text, context)) };
}

/** An address that means all of them is not one to connect to. */
function reachable(address: ListenAddress): ListenAddress {
  if (address.kind === 'unix') return address;
  const host = address.host === '0.0.0.0' ? '127.0.0.1' : address.host === '::' ? '::1' : address.host;
  return { ...address, host };
}

function tryConnect(address: ListenAddress): Promise<string> {
  const to = reachable(address);
  return new Promise((resolve) => {
    const socket = to.kind === 'unix' ? connect(to.path) : connect({ host: to.host, port: to.port });
    const finish = (code: string): void => {
      socket.destroy();
      resolve(code);
    };
    socket.setTimeout(CONNECT_MS, () => finish('ETIMEDOUT'));
    socket.once('connect', () => finish('open'));
    socket.once('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
  });
}

async function ask(address: string, { connection, signal }: DoctorContext): Promise<Partial<AddressFacts>> {
  try {
    await using client = await AlirtcClient.connect(address, { ...connection(), connectTimeoutMs: ANSWER_MS });
    const health = await askHealth(client, '', { deadlineMs: ANSWER_MS, signal });
    try {
      const { version } = await client.nodeStatus({ deadlineMs: ANSWER_MS, signal });
      return { health, daemonVersion: version };
    } catch (error) {
      const needsToken =
        error instanceof AlirtcStatusError && [status.UNAUTHENTICATED, status.PERMISSION_DENIED].includes(error.code);
      return { health, needsToken };
    }
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/** Whatever certificate it shows is fine here: clients judge it, and the check of certificates does. */
async function lookAtTls(
  address: Extract<ListenAddress, { kind: 'tcp' | 'tls' }>,
  { config }: DoctorContext,
): Promise<Partial<AddressFacts>> {
  const shown = await shownCertificate(reachable(address) as typeof address);
  if (typeof shown === 'string') return { error: shown };
  const file = await readFile(config['tls-cert'] ?? '', 'utf8').catch(() => '');
  return { health: 'TLS', hasOldCertificate: digest(shown) !== digest(leafOf(file)) };
}

function shownCertificate({ host, port }: { host: string; port: number }): Promise<Buffer | string> {
  return new Promise((resolve) => {
    const socket = connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    const finish = (result: Buffer | string): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(CONNECT_MS, () => finish('no TLS answer'));
    socket.once('secureConnect', () => finish(socket.getPeerX509Certificate()?.raw ?? 'no certificate'));
    socket.once('error', (error: Error) => finish(error.message));
  });
}

function leafOf(pem: string): Buffer {
  try {
    return new X509Certificate(pem).raw;
  } catch {
    return Buffer.alloc(0);
  }
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** `isRunning`: the daemon answers at one of its addresses. */
export function judgeAddress(facts: AddressFacts, isRunning: boolean): Finding[] {
  const { address, connection, health, error, holder } = facts;
  if (connection === 'ENOENT' || connection === 'ECONNREFUSED') return [absent(address, connection, isRunning)];
  if (connection === 'EACCES')
    return [
      failure(
        `${address}: this user may not connect`,
        'join the group of the socket, or see socket-mode; it is 0600 by default',
      ),
    ];
  if (connection !== 'open')
    return [failure(`${address}: ${connection}`, 'correct listen, or the network of this machine')];
  if (health === undefined)
    return [
      failure(
        `${address}: ${holder ?? 'something'} listens, but does not answer as alirtcd (${error ?? 'no answer'})`,
        'end it, or have alirtcd listen elsewhere; alirtcd itself, when it does not answer: restart it and see its log',
      ),
    ];
  return answered(facts);
}

function absent(address: string, connection: string, isRunning: boolean): Finding {
  if (isRunning)
    return warning(
      `${address}: nobody listens, though the daemon runs`,
      'it was started with other settings, or the socket was removed: restart it',
    );
  if (connection === 'ECONNREFUSED' && address.startsWith('unix:'))
    return info(`${address}: not running; a daemon that was killed left the socket, the next one removes it`);
  return info(`${address}: not running`);
}

function answered({ address, version, health, daemonVersion, needsToken, hasOldCertificate }: AddressFacts): Finding[] {
  if (hasOldCertificate === true)
    return [
      warning(
        `${address}: shows another certificate than the file tls-cert holds`,
        'send SIGHUP to alirtcd, or wait 30 s; its log says when it does not take the file',
      ),
    ];
  if (health === 'TLS') return [ok(`${address}: answers, with the certificate of the file`)];
  if (health !== 'SERVING')
    return [warning(`${address}: answers, but is ${health}`, 'it starts or drains: see its log, or ask again')];
  if (needsToken === true) return [ok(`${address}: serves; its version takes a token (--token-file)`)];
  if (daemonVersion === undefined) return [ok(`${address}: serves`)];
  if (daemonVersion !== version)
    return [
      warning(
        `${address}: alirtcd ${daemonVersion} runs, this is alirtc ${version}`,
        'restart the daemon after an upgrade, or use the alirtc that was installed with it',
      ),
    ];
  return [ok(`${address}: alirtcd ${daemonVersion} serves`)];
}

/** When the daemon does not run, nobody else may have its HTTP port. */
async function judgeHttpPort({ config }: DoctorContext): Promise<Finding | undefined> {
  const http = config['http-listen'] ?? { host: '127.0.0.1', port: 7421 };
  if (http === 'off' || http.port === 0) return undefined;
  if ((await tryConnect({ kind: 'tcp', ...http })) !== 'open') return undefined;
  const holder = (await holdersOf(new Set([http.port]))).get(http.port);
  const text = `http ${formatHttpAddress(http)} is taken by ${holder === undefined ? 'another process' : processText(holder)}`;
  return config['http-listen'] === undefined
    ? info(`${text}: alirtcd takes a free port instead, and says which`)
    : failure(`${text}: alirtcd would not start`, 'end it, or name another port with http-listen');
}
