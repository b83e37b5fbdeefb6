import { request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { ApiErrorBody } from '../../../common/console_api.js';
import type { DaemonProcess } from '../../support/daemon_process.js';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface AskOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** A daemon's HTTP port, as programs other than browsers see it: any header, any bytes. */
export class HttpScene {
  readonly host: string;
  readonly port: number;

  constructor({ ready }: DaemonProcess) {
    const url = new URL(ready.console ?? 'http://nobody:1');
    this.host = url.host;
    this.port = Number(url.port);
  }

  async ask(path: string, { method = 'GET', headers = {}, body }: AskOptions = {}): Promise<Answer> {
    const response = await this.#open(path, method, headers, body);
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: Buffer.concat(chunks).toString('utf8'),
    };
  }

  async json<T>(path: string, options: AskOptions = {}): Promise<T> {
    return JSON.parse((await this.ask(path, options)).text) as T;
  }

  /** Status and reason of a refusal. */
  async refusal(path: string, options: AskOptions = {}): Promise<[number, string]> {
    const { status, text } = await this.ask(path, options);
    return [status, (JSON.parse(text) as ApiErrorBody).error.reason];
  }

  /** Server-Sent Events. */
  async stream(path: string, headers: Record<string, string> = {}): Promise<EventSourceReader> {
    return new EventSourceReader(await this.#open(path, 'GET', headers));
  }

  /** A connection on which a test writes bytes of its own. */
  async socket(): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  }

  #open(path: string, method: string, headers: Record<string, string>, body?: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.port, path, method, headers: { host: this.host, ...headers } };
      const asked = request({ ...options, agent: false }, resolve);
      asked.once('error', reject);
      asked.end(body);
    });
  }
}

export interface SseMessage {
  event: string;
  id: string;
  data: unknown;
}

/** Reads Server-Sent Events one by one. */
export class EventSourceReader {
  readonly #response: IncomingMessage;
  readonly #messages: AsyncGenerator<SseMessage, undefined>;

  constructor(response: IncomingMessage) {
    this.#response = response;
    this.#messages = parse(response);
  }

  get status(): number {
    return this.#response.statusCode ?? 0;
  }

  /** The next message; undefined: the stream has ended. */
  async next(): Promise<SseMessage | undefined> {
    const result = await this.#messages.next();
    return result.done === true ? undefined : result.value;
  }

  /** The next message of that name for which the test holds. */
  async find<T>(event: string, wanted: (data: T) => boolean = () => true): Promise<{ id: string; data: T }> {
    for (let message = await this.next(); message !== undefined; message = await this.next())
      if (message.event === event && wanted(message.data as T)) return { id: message.id, data: message.data as T };
    throw new Error(`the stream ended before there was a fitting "${event}"`);
  }

  close(): void {
    this.#response.destroy();
  }
}

async function* parse(response: IncomingMessage): AsyncGenerator<SseMessage, undefined> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response as AsyncIterable<string>) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const fields = new Map(text.slice(0, end).split('\n').map(fieldOf));
      text = text.slice(end + 2);
      const data = fields.get('data');
      if (data !== undefined)
        yield { event: fields.get('event') ?? '', id: fields.get('id') ?? '', data: JSON.parse(data) };
    }
  }
  return undefined;
}

function fieldOf(line: string): [string, string] {
  const cut = line.indexOf(': ');
  return [line.slice(0, cut), line.slice(cut + 2)];
}
