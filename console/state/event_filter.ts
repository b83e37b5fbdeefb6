import type { EventView } from '../../common/console_api.js';
import { callbackName, fieldsText } from '../format.js';

export interface EventFilter {
  /** Words that all have to be in the name or the fields. */
  text: string;
  statistics: boolean;
}

export function filterEvents(events: readonly EventView[], { text, statistics }: EventFilter): readonly EventView[] {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  return events.filter((event) => {
    if (!statistics && /Stats$/.test(event.name)) return false;
    if (wanted.length === 0) return true;
    const searched = `${callbackName(event.name)} ${fieldsText(event.data)}`.toLowerCase();
    return wanted.every((word) => searched.includes(word));
  });
}
