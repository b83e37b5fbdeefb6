import { useState } from 'preact/hooks';
import type { EngineView } from '../../common/console_api.js';
import { Panel } from './panel.js';
import { Preview } from './preview.js';

interface Choice {
  key: string;
  uid: string;
  track: 'camera' | 'screen';
}

/** A look at what the engine receives. It costs decoding, so it begins when somebody asks for it. */
export function EnginePreview({ engine }: { engine: EngineView }) {
  const [isOpen, setIsOpen] = useState(false);
  const [wanted, setWanted] = useState('');
  const choices = choicesOf(engine);
  const chosen = choices.find(({ key }) => key === wanted) ?? choices[0];
  return (
    <Panel
      title="Preview"
      aside={
        chosen !== undefined && (
          <button type="button" class="button" aria-pressed={isOpen} onClick={() => setIsOpen(!isOpen)}>
            {isOpen ? 'Stop' : 'Look'}
          </button>
        )
      }
    >
      {chosen === undefined ? (
        <p class="quiet pad">No pictures are subscribed to. A preview shows what the engine receives of somebody.</p>
      ) : (
        <>
          {choices.length > 1 && (
            <label class="field field-row">
              <span>Whose</span>
              <select value={chosen.key} onChange={(event) => setWanted(event.currentTarget.value)}>
                {choices.map(({ key, uid, track }) => (
                  <option key={key} value={key}>
                    {uid}, {track}
                  </option>
                ))}
              </select>
            </label>
          )}
          {isOpen ? (
            <Preview engineId={engine.engineId} uid={chosen.uid} track={chosen.track} />
          ) : (
            <p class="preview-empty">
              About one picture a second of {chosen.uid}. The engine decodes them only while you look.
            </p>
          )}
        </>
      )}
    </Panel>
  );
}

function choicesOf({ users, ended }: EngineView): Choice[] {
  if (ended !== undefined) return [];
  return users.flatMap(({ uid, camera, screen }) => [
    ...(camera === 'SUBSCRIBED' ? [{ key: `camera ${uid}`, uid, track: 'camera' as const }] : []),
    ...(screen === 'SUBSCRIBED' ? [{ key: `screen ${uid}`, uid, track: 'screen' as const }] : []),
  ]);
}
