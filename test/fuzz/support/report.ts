/** Something that does not hold. */
export interface Finding {
  /** Of a property: its name and index; of a live target: the index. */
  case: string;
  text: string;
}

/** What a target did in its time. */
export interface TargetReport {
  target: string;
  seed: number;
  minutes: number;
  /** What was counted, by name. */
  counts: Record<string, number>;
  findings: Finding[];
}

export function print(report: TargetReport): void {
  const counts = Object.entries(report.counts).map(([name, count]) => `${name} ${count}`);
  console.log(
    `${report.target}: seed ${report.seed}, ${report.minutes.toFixed(1)} min, ${counts.join(', ')}, findings ${report.findings.length}`,
  );
  for (const { case: where, text } of report.findings)
    console.log(`FOUND TARGET=${report.target} SEED=${report.seed} CASE=${where}\n  ${text.replaceAll('\n', '\n  ')}`);
}
