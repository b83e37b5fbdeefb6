import { useEffect, useState } from 'preact/hooks';
import type { EventView } from '../../common/console_api.js';
import { openStream } from './event_source.js';

const MAX_EVENTS = 1000;

/** Every callback of one engine, statistics included, oldest first. */
export function useEngineEvents(engineId: string): readonly EventView[] {
  const [events, setEvents] = useState<readonly EventView[]>([]);
  useEffect(() => {
    setEvents([]);
    const close = openStream(`/api/v1/engines/${encodeURIComponent(engineId)}/events?last=200`, {
      on: {
        event: (data) => {
          const event = JSON.parse(data) as EventView;
          // A stream that was opened anew may tell some again.
          setEvents((before) =>
            event.sequence <= (before.at(-1)?.sequence ?? 0) ? before : [...before.slice(1 - MAX_EVENTS), event],
          );
        },
        bye: (data) => {
          if ((JSON.parse(data) as { reason: string }).reason === 'ENGINE_ENDED') close();
        },
      },
      onLost: () => undefined,
    });
    return close;
  }, [engineId]);
  return events;
}
