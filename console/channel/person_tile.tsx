import type { Person } from './call_state.js';
import { SoundOf, VideoOf } from './media_element.js';

/** Somebody in the channel: pictures, name, whether sound comes. */
export function PersonTiles({ person }: { person: Person }) {
  const { identity, name, isLocal, isSpeaking, hasSound, videos, sounds } = person;
  const shown = isLocal ? `${name} (you)` : name;
  const caption = (what: string) => (
    <figcaption>
      <span class="tile-name">{shown + what}</span>
      <span class={`sound-state ${hasSound ? '' : 'sound-off'}`}>{hasSound ? 'sound on' : 'no sound'}</span>
    </figcaption>
  );
  return (
    <>
      {videos.length === 0 && (
        <figure class={`tile ${isSpeaking ? 'speaking' : ''}`} data-identity={identity}>
          <div class="tile-empty" aria-hidden="true">
            {name.charAt(0).toUpperCase()}
          </div>
          {caption('')}
        </figure>
      )}
      {videos.map((media) => (
        <figure key={media.key} class={`tile ${isSpeaking ? 'speaking' : ''}`} data-identity={identity}>
          <VideoOf
            media={media}
            label={`${media.kind === 'screen' ? 'Screen' : 'Camera'} of ${shown}`}
            mirrored={isLocal && media.kind === 'camera'}
          />
          {caption(media.kind === 'screen' ? ', screen' : '')}
        </figure>
      ))}
      {sounds.map((media) => (
        <SoundOf key={media.key} media={media} owner={identity} />
      ))}
    </>
  );
}
