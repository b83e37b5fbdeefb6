import { RequestResponse_Reason, type RequestResponse } from '@livekit/protocol';

interface Pending {
  resolve: () => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
  wanted: Readonly<Record<string, string>>;
}

/** Requests that the server confirms by their number, or, where it only reports failures, by an update that shows their effect. */
export class RequestTable {
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  /** `wanted`: attributes that an update must show for the request to count as confirmed. */
  request(timeoutMs: number, wanted: Readonly<Record<string, string>>, send: (id: number) => void): Promise<void> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#finish(id, new Error(`the server did not take the attributes in ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.#pending.set(id, { resolve, reject, timer, wanted });
      send(id);
    });
  }

  onResponse({ requestId, reason, message }: RequestResponse): void {
    // Queued is a promise, not an answer.
    if (reason === RequestResponse_Reason.QUEUED) return;
    if (reason === RequestResponse_Reason.OK) this.#finish(requestId);
    else this.#finish(requestId, new Error(message === '' ? RequestResponse_Reason[reason] : message));
  }

  confirm(attributes: Readonly<Record<string, string>>): void {
    for (const [id, { wanted }] of this.#pending)
      if (Object.entries(wanted).every(([name, value]) => (attributes[name] ?? '') === value)) this.#finish(id);
  }

  close(): void {
    for (const id of [...this.#pending.keys()]) this.#finish(id, new Error('the connection is gone'));
  }

  #finish(id: number, error?: Error): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (error === undefined) pending.resolve();
    else pending.reject(error);
  }
}
