import { useEffect, useRef, useState } from 'preact/hooks';
import { errorText, getBlob } from '../api.js';

const INTERVAL_MS = 1_000;

interface PreviewProps {
  engineId: string;
  uid: string;
  track: 'camera' | 'screen';
}

/** What the engine receives of somebody, about one picture a second, while it is looked at. */
export function Preview({ engineId, uid, track }: PreviewProps) {
  const [source, setSource] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState('');
  const pictures = useRef(0);
  useEffect(() => {
    const abort = new AbortController();
    const query = new URLSearchParams({ uid, track });
    const url = `/api/v1/engines/${encodeURIComponent(engineId)}/preview?${query}`;
    let timer = 0;
    let shown: string | undefined;
    const load = async (): Promise<void> => {
      // A page that nobody sees asks for nothing.
      if (document.visibilityState === 'visible')
        try {
          const next = URL.createObjectURL(await getBlob(url, abort.signal));
          if (shown !== undefined) URL.revokeObjectURL(shown);
          shown = next;
          pictures.current += 1;
          setSource(next);
          setProblem('');
        } catch (error) {
          if (!abort.signal.aborted) setProblem(errorText(error));
        }
      if (!abort.signal.aborted) timer = window.setTimeout(() => void load(), INTERVAL_MS);
    };
    void load();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
      if (shown !== undefined) URL.revokeObjectURL(shown);
      setSource(undefined);
      setProblem('');
    };
  }, [engineId, uid, track]);
  return (
    <div class="preview">
      {source === undefined ? (
        <p class="preview-empty">{problem === '' ? 'Waiting for a picture…' : `No picture: ${problem}`}</p>
      ) : (
        <img src={source} alt={`What the engine receives of ${uid}, ${track}`} data-pictures={pictures.current} />
      )}
      {source !== undefined && problem !== '' && <p class="preview-problem">No new picture: {problem}</p>}
    </div>
  );
}
