export type Facts = Readonly<Record<string, unknown>>;

/** A line for the test outside. */
export function report(row: string, facts: Facts): void {
  process.stdout.write(`${JSON.stringify({ row, ...facts })}\n`);
}

/** What cannot be found out is told, too; the next rows go on. */
export async function tell(row: string, find: () => Promise<Facts>): Promise<void> {
  const startedAt = performance.now();
  try {
    const facts = await find();
    report(row, { ...facts, ms: Math.round(performance.now() - startedAt) });
  } catch (error) {
    report(row, { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
