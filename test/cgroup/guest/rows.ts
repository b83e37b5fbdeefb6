import { CoreRestartStep } from '../../../gen/alirtc/v1/events.js';
import type { AlirtcEvent } from '../../../client/index.js';
import { eventually } from '../../support/eventually.js';
import { exists } from './control_group.js';

/** Of what happens in the machine; by its own clock. */
export const WAIT_MS = 60_000;
export const NOT_AVAILABLE = 'limits of core processes are not available';

export interface Step {
  step: string;
  text: string;
  pid: number;
}

/** The steps of restarts among the events. */
export function stepsOf(events: readonly AlirtcEvent[]): Step[] {
  return events.flatMap((event) =>
    event.type === 'coreRestart'
      ? [{ step: CoreRestartStep[event.value.step] ?? '', text: event.value.text, pid: event.value.coreProcessId }]
      : [],
  );
}

export async function restarted(events: readonly AlirtcEvent[]): Promise<Step[]> {
  await eventually(() => {
    const steps = stepsOf(events).map(({ step }) => step);
    return steps.includes('COMPLETED') ? undefined : `no restart, but ${steps.join(', ')}`;
  }, WAIT_MS);
  return stepsOf(events);
}

export function errorsOf(events: readonly AlirtcEvent[]): unknown[] {
  return events.flatMap((event) => (event.type === 'onError' ? [event.value] : []));
}

export function gone(group: string): Promise<void> {
  return eventually(() => (exists(group) ? `${group} is there` : undefined), WAIT_MS);
}
