import type { PeerReport } from '../../test/support/rtc_peer/protocol.js';
import type { RecordingAnalysis } from '../../test/support/media/recording_analysis.js';

/** What has to be true for the demo to be a success; every check is printed. */
export class Checks {
  #failed = 0;

  get failed(): number {
    return this.#failed;
  }

  check(what: string, holds: boolean, found: string): void {
    if (!holds) this.#failed++;
    console.log(`  ${holds ? 'ok    ' : 'FAILED'} ${what}: ${found}`);
  }
}

export interface Expected {
  frequency: number;
  seconds: number;
  framesPerSecond: number;
  /** Pictures carry numbers and sound carries a tone; false for a file of the user's. */
  marked: boolean;
}

/** The numbers that were read grow by one from picture to picture (or begin anew with the file). */
export function growingShare(numbers: readonly number[]): number {
  let steps = 0;
  for (let i = 1; i < numbers.length; i++) {
    const step = (numbers[i] ?? 0) - (numbers[i - 1] ?? 0);
    if ((step > 0 && step <= 3) || numbers[i] === 0) steps++;
  }
  return numbers.length < 2 ? 0 : steps / (numbers.length - 1);
}

export function checkRecording(checks: Checks, user: string, analysis: RecordingAnalysis, expected: Expected): void {
  const { video, audio, avOffsetMs } = analysis;
  if (video !== undefined || expected.marked) {
    const wanted = expected.seconds * Math.min(expected.framesPerSecond, 30) * 0.6;
    checks.check(
      `${user}: pictures`,
      (video?.frames ?? 0) >= wanted,
      `${video?.frames ?? 0}, at least ${Math.round(wanted)}`,
    );
  }
  if (audio !== undefined || expected.marked)
    checks.check(
      `${user}: sound`,
      (audio?.seconds ?? 0) >= expected.seconds * 0.8,
      `${(audio?.seconds ?? 0).toFixed(1)} s`,
    );
  if (!expected.marked) return;
  const readable = (video?.numbers.length ?? 0) / Math.max(1, video?.frames ?? 0);
  checks.check(`${user}: numbers read back from pictures`, readable > 0.95, `${Math.round(readable * 100)} %`);
  const growing = growingShare(video?.numbers ?? []);
  checks.check(`${user}: numbers in order`, growing > 0.95, `${Math.round(growing * 100)} % of the steps`);
  checks.check(
    `${user}: tone of ${expected.frequency} Hz`,
    (audio?.toneShare ?? 0) > 0.8,
    `share ${(audio?.toneShare ?? 0).toFixed(2)}`,
  );
  checks.check(
    `${user}: sound and picture in step`,
    avOffsetMs !== undefined && Math.abs(avOffsetMs) < 80,
    avOffsetMs === undefined ? 'no beeps or no flashes' : `${avOffsetMs.toFixed(0)} ms`,
  );
}

/** What the foreign participant says it received from our engine. */
export function checkForeign(checks: Checks, user: string, report: PeerReport, expected: Expected): void {
  const of = report.participants[user];
  const pictures = of?.video.reduce((sum, v) => sum + v.pictures, 0) ?? 0;
  const readable = of?.video.reduce((sum, v) => sum + v.readable, 0) ?? 0;
  const sound = of?.audio[0];
  const at = 'rtc-node received of the engine';
  if (!expected.marked) {
    checks.check(at, pictures > 0 || (sound?.level ?? 0) > 0, `${pictures} pictures, ${sound?.samples ?? 0} samples`);
    return;
  }
  checks.check(
    at,
    pictures >= expected.seconds * expected.framesPerSecond * 0.6,
    `${pictures} pictures, ${sound?.samples ?? 0} samples`,
  );
  checks.check(`${at}: numbers read back`, readable >= pictures * 0.95, `${readable} of ${pictures}`);
  checks.check(
    `${at}: tone of ${expected.frequency} Hz`,
    (sound?.tones[String(expected.frequency)] ?? 0) > 0.5,
    `share ${(sound?.tones[String(expected.frequency)] ?? 0).toFixed(2)}`,
  );
}
