export interface Column {
  title: string;
  /** Numbers stand at the right. */
  right?: true;
}

/** The lines of a table for people, its head first. Empty cells are "-". */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const head = columns.map(({ title }) => title);
  const body = rows.map((row) => columns.map((_, index) => plain(row[index] ?? '') || '-'));
  const widths = columns.map((_, index) => Math.max(...[head, ...body].map((row) => row[index]?.length ?? 0)));
  return [head, ...body].map((row) =>
    row
      .map((cell, index) =>
        columns[index]?.right === true ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

/** What others wrote, without what a terminal takes for a command (C0, DEL, C1). */
export function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
