import type { AudioShape, Demand, VideoDemand } from '../../coreservice/ipc/extension.js';
import type { FrameKind } from './media_frame.js';

/** What one stream wants. Empty sets: everybody, every track. */
export interface Selection {
  kind: FrameKind;
  uids: ReadonlySet<string>;
  /** The IPC's VideoTrackType. */
  tracks: ReadonlySet<number>;
  /** Of PCM. */
  shape: AudioShape;
  /** The client reads pictures from shared memory itself. */
  local?: boolean;
  /** And takes them from the core itself. */
  direct?: boolean;
  /** A stream of the daemon's own, which counts in no statistics. */
  internal?: boolean;
}

const EVERYBODY = '*';
const EVERY_TRACK = -1;

/** The least that the core has to make so that every selection is served; each entry once, none that another one covers. */
export function demandOf(selections: Iterable<Selection>): Demand {
  const all = [...selections];
  const of = (kind: FrameKind): Selection[] => all.filter((selection) => selection.kind === kind);
  return {
    pictures: videoDemands(of('pictures')),
    encoded: videoDemands(of('encoded')),
    audio: audioDemands(of('audio')),
    mixed: distinct(of('mixed').map(({ shape }) => shape)),
    audioAac: aacDemands(of('audioAac')),
    mixedAac: of('mixedAac').length > 0,
  };
}

function videoDemands(selections: readonly Selection[]): VideoDemand[] {
  const wanted = selections.flatMap(({ uids, tracks }) =>
    orAny(uids, EVERYBODY).flatMap((uid) => orAny(tracks, EVERY_TRACK).map((track) => ({ uid, track }))),
  );
  return distinct(wanted).filter(
    (demand, _index, rest) => !rest.some((other) => other !== demand && coversVideo(other, demand)),
  );
}

function coversVideo(other: VideoDemand, demand: VideoDemand): boolean {
  return (
    (other.uid === EVERYBODY || other.uid === demand.uid) &&
    (other.track === EVERY_TRACK || other.track === demand.track)
  );
}

function audioDemands(selections: readonly Selection[]): (AudioShape & { uid: string })[] {
  const wanted = distinct(
    selections.flatMap(({ uids, shape }) => orAny(uids, EVERYBODY).map((uid) => ({ uid, ...shape }))),
  );
  return wanted.filter(
    (demand) =>
      demand.uid === EVERYBODY ||
      !wanted.some(
        (other) =>
          other.uid === EVERYBODY && other.sampleRate === demand.sampleRate && other.channels === demand.channels,
      ),
  );
}

function aacDemands(selections: readonly Selection[]): { uid: string }[] {
  const wanted = distinct(selections.flatMap(({ uids }) => orAny(uids, EVERYBODY).map((uid) => ({ uid }))));
  const everybody = wanted.filter(({ uid }) => uid === EVERYBODY);
  return everybody.length > 0 ? everybody : wanted;
}

function orAny<T>(set: ReadonlySet<T>, any: T): T[] {
  return set.size === 0 ? [any] : [...set];
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
