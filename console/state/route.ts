/** The page's own address: what stands after the #. */
export type Place = { view: 'overview' } | { view: 'engine'; engineId: string } | { view: 'channel'; channel: string };

export function parsePlace(hash: string): Place {
  const [view, name = ''] = hash.replace(/^#\/?/, '').split('/');
  const text = decode(name);
  if (view === 'engines' && text !== '') return { view: 'engine', engineId: text };
  if (view === 'channels') return { view: 'channel', channel: text };
  return { view: 'overview' };
}

export function addressOf(place: Place): string {
  if (place.view === 'engine') return `#/engines/${encodeURIComponent(place.engineId)}`;
  if (place.view === 'channel') return `#/channels/${encodeURIComponent(place.channel)}`;
  return '#/';
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
