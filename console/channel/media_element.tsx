import { useEffect, useRef } from 'preact/hooks';
import type { Media } from './call_state.js';

/** Pictures; mirrored when they are one's own camera, as in a mirror. */
export function VideoOf({ media, label, mirrored }: { media: Media; label: string; mirrored: boolean }) {
  const element = useRef<HTMLVideoElement>(null);
  usePlaying(element, media);
  return <video ref={element} class={mirrored ? 'mirrored' : ''} autoplay playsInline muted aria-label={label} />;
}

export function SoundOf({ media, owner }: { media: Media; owner: string }) {
  const element = useRef<HTMLAudioElement>(null);
  usePlaying(element, media);
  return <audio ref={element} autoplay data-owner={owner} />;
}

function usePlaying(element: { current: HTMLMediaElement | null }, media: Media): void {
  useEffect(() => {
    const playing = element.current;
    if (playing === null) return;
    media.attach(playing);
    return () => media.detach(playing);
  }, [media.key]);
}
