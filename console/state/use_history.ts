import { useEffect, useState } from 'preact/hooks';
import type { EngineView, HistoryView, Sample } from '../../common/console_api.js';
import { getJson } from '../api.js';

const KEPT_MS = 5 * 60_000;

/** The samples of the last five minutes: those that the daemon kept, then each that the feed brings. */
export function useHistory(engine: EngineView): readonly Sample[] {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const { engineId, sample } = engine;
  useEffect(() => {
    const abort = new AbortController();
    getJson<HistoryView>(`/api/v1/engines/${encodeURIComponent(engineId)}/history`, abort.signal).then(
      (history) => setSamples((newer) => merge(history.samples, newer)),
      () => undefined,
    );
    return () => {
      abort.abort();
      setSamples([]);
    };
  }, [engineId]);
  useEffect(() => setSamples((before) => merge(before, [sample])), [sample.timeMs]);
  return samples;
}

function merge(older: readonly Sample[], newer: readonly Sample[]): readonly Sample[] {
  const all = new Map([...older, ...newer].map((sample) => [sample.timeMs, sample]));
  const sorted = [...all.values()].sort((a, b) => a.timeMs - b.timeMs);
  const newestMs = sorted.at(-1)?.timeMs ?? 0;
  return sorted.filter(({ timeMs }) => timeMs > newestMs - KEPT_MS);
}
