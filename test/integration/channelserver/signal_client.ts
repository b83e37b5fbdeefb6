import { once } from 'node:events';
import { SignalRequest, SignalResponse, type JoinResponse, type ParticipantInfo } from '@livekit/protocol';
import { WebSocket } from 'ws';

type ResponseMessage = SignalResponse['message'];
export type ResponseCase = NonNullable<ResponseMessage['case']>;
type ValueOf<C extends ResponseCase> = Extract<ResponseMessage, { case: C }>['value'];

/** A LiveKit client that only signals: every message is kept, and awaited by what it says. */
export class SignalClient implements AsyncDisposable {
  readonly messages: ResponseMessage[] = [];
  readonly socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  onMessage: (message: ResponseMessage) => void = () => undefined;
  closed: { code: number; reason: string } | undefined;

  private constructor(url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data) => {
      const { message } = SignalResponse.fromBinary(data as Buffer);
      this.messages.push(message);
      this.onMessage(message);
      this.#wake();
    });
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
  }

  /** Opens the WebSocket; rejects with the HTTP status and text when the server refuses. */
  static open(url: string, token: string, query = ''): Promise<SignalClient> {
    return SignalClient.openOn(`${url}/rtc?access_token=${token}&sdk=js&protocol=15${query}`);
  }

  /** As open(), with the whole address. */
  static async openOn(address: string): Promise<SignalClient> {
    const client = new SignalClient(address);
    const refused = new Promise<never>((_, reject) => {
      client.socket.once('unexpected-response', (request, response) => {
        response.setEncoding('utf8');
        let text = '';
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          request.destroy();
          reject(new Error(`${response.statusCode} ${text}`));
        });
      });
    });
    refused.catch(() => undefined);
    await Promise.race([once(client.socket, 'open'), refused]);
    return client;
  }

  /** Opens and waits for the JoinResponse. */
  static async join(url: string, token: string, query = ''): Promise<SignalClient> {
    const client = await SignalClient.open(url, token, query);
    await client.waitFor('join');
    return client;
  }

  get join(): JoinResponse {
    return this.#of('join')[0] ?? fail('no JoinResponse yet');
  }

  get sid(): string {
    return this.join.participant?.sid ?? '';
  }

  send(message: SignalRequest['message']): void {
    this.socket.send(new SignalRequest({ message }).toBinary());
  }

  /** The first message of the kind, past or future, for which the predicate holds. */
  async waitFor<C extends ResponseCase>(
    kind: C,
    predicate: (value: ValueOf<C>) => boolean = () => true,
    timeoutMs = 5000,
  ): Promise<ValueOf<C>> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.#of(kind).find(predicate);
      if (found !== undefined) return found;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0 || this.closed !== undefined)
        fail(`no "${kind}"; ${this.messages.map((m) => m.case).join(', ')}; ${JSON.stringify(this.closed ?? {})}`);
      await this.#next(leftMs);
    }
  }

  /** The state of a participant in an update that fits. */
  async waitForParticipant(
    identity: string,
    predicate: (info: ParticipantInfo) => boolean = () => true,
  ): Promise<ParticipantInfo> {
    const fits = (info: ParticipantInfo): boolean => info.identity === identity && predicate(info);
    const update = await this.waitFor('update', ({ participants }) => participants.some(fits));
    return update.participants.find(fits) ?? fail('unreachable');
  }

  async waitForClose(timeoutMs = 5000): Promise<{ code: number; reason: string }> {
    const deadline = performance.now() + timeoutMs;
    while (this.closed === undefined) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) fail('the connection was not closed');
      await this.#next(leftMs);
    }
    return this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.socket, 'close');
    this.socket.terminate();
    await closed;
  }

  #of<C extends ResponseCase>(kind: C): ValueOf<C>[] {
    return this.messages.flatMap((message) => (message.case === kind ? [message.value as ValueOf<C>] : []));
  }

  #next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#waiting.add(done);
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}

function fail(text: string): never {
  throw new Error(text);
}
