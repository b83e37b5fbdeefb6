/** How long to wait when the browser has given up, which it does when the daemon answers with an error. */
const RETRY_MS = 3_000;

export interface LiveStream {
  /** By SSE event name; the id is the message's. */
  on: Readonly<Record<string, (data: string, id: string) => void>>;
  onOpen?: () => void;
  /** The connection is gone; another one is tried. */
  onLost: () => void;
}

/** Server-Sent Events that do not give up. The returned function ends them. */
export function openStream(url: string, { on, onOpen, onLost }: LiveStream): () => void {
  let source: EventSource;
  let timer = 0;
  let ended = false;
  const connect = (): void => {
    source = new EventSource(url);
    source.onopen = () => onOpen?.();
    source.onerror = () => {
      if (ended) return;
      onLost();
      // Else the browser connects again by itself, and says what it saw last.
      if (source.readyState === EventSource.CLOSED) timer = window.setTimeout(connect, RETRY_MS);
    };
    for (const [name, handle] of Object.entries(on))
      source.addEventListener(name, (event) => handle(event.data as string, event.lastEventId));
  };
  connect();
  return () => {
    ended = true;
    window.clearTimeout(timer);
    source.close();
  };
}
