/** Lines of a log that only a defect of ours makes. */
const DEFECT =
  /unhandled rejection|uncaught exception|a defect|a command failed|internal error|could not be encoded|an HTTP request failed|an upgrade failed|heap out of memory|"level":"fatal"/;

export function defectsIn(lines: readonly string[]): string[] {
  return lines.filter((line) => DEFECT.test(line)).map((line) => line.slice(0, 2000));
}
