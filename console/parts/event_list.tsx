import type { EventView } from '../../common/console_api.js';
import { callbackName, clockTime, fieldsText } from '../format.js';

interface EventListProps {
  events: readonly EventView[];
  /** Names the engine of each event. */
  withEngine: boolean;
  empty: string;
  label: string;
}

/** Events, the newest on top. A screen reader hears new ones when it has nothing else to say. */
export function EventList({ events, withEngine, empty, label }: EventListProps) {
  const newestFirst = [...events].reverse();
  return (
    <div class="event-scroll" tabIndex={0} role="log" aria-label={label}>
      {newestFirst.length === 0 && <p class="quiet pad">{empty}</p>}
      <ol class={withEngine ? 'events' : 'events events-of-one'}>
        {newestFirst.map((event) => (
          <li key={`${event.engineId} ${event.sequence}`} class={`event event-${toneOf(event.name)}`}>
            <time dateTime={new Date(event.timeMs).toISOString()}>{clockTime(event.timeMs)}</time>
            {withEngine && (
              <a class="event-engine id" href={`#/engines/${encodeURIComponent(event.engineId)}`}>
                {event.engineId}
              </a>
            )}
            <span class="event-name">{callbackName(event.name)}</span>
            <span class="event-fields">{fieldsText(event.data)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function toneOf(name: string): string {
  if (name === 'onError' || name === 'ended') return 'bad';
  if (name === 'onWarning') return 'warn';
  return /Stats$/.test(name) ? 'quiet' : 'plain';
}
