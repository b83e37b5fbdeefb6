import { useState } from 'preact/hooks';
import type { EventView } from '../../common/console_api.js';
import { plural } from '../format.js';
import { filterEvents } from '../state/event_filter.js';
import { useEngineEvents } from '../state/use_engine_events.js';
import { EventList } from './event_list.js';
import { Panel } from './panel.js';

/** The callbacks of one engine, live, with a filter and a pause. */
export function EngineEvents({ engineId }: { engineId: string }) {
  const live = useEngineEvents(engineId);
  const [held, setHeld] = useState<readonly EventView[] | undefined>(undefined);
  const [text, setText] = useState('');
  const [statistics, setStatistics] = useState(false);
  const shown = filterEvents(held ?? live, { text, statistics });
  const missed = held === undefined ? 0 : (live.at(-1)?.sequence ?? 0) - (held.at(-1)?.sequence ?? 0);
  return (
    <Panel
      title="Events"
      aside={
        <div class="tools">
          <label class="field field-row">
            <span class="visually-hidden">Filter events</span>
            <input
              type="search"
              placeholder="Filter"
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
          <label class="check">
            <input
              type="checkbox"
              checked={statistics}
              onChange={(event) => setStatistics(event.currentTarget.checked)}
            />
            Statistics
          </label>
          <button
            type="button"
            class="button"
            aria-pressed={held !== undefined}
            onClick={() => setHeld(held === undefined ? live : undefined)}
          >
            {held === undefined ? 'Pause' : `Go on${missed > 0 ? ` (${plural(missed, 'new event')})` : ''}`}
          </button>
        </div>
      }
    >
      <EventList
        events={shown}
        withEngine={false}
        label={`Events of ${engineId}`}
        empty={text === '' ? 'No events yet.' : 'No event fits the filter.'}
      />
    </Panel>
  );
}
