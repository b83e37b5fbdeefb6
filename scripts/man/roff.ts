/** Lines of a manual page in the macros of man(7). */
export type Roff = readonly string[];

const WIDTH = 78;

/** Text as text: no character of it is a request of roff. Hyphens stay hyphens. */
export function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti');
}

/** A paragraph's text, wrapped; a line that roff would take for a request begins with nothing. */
export function text(words: string): Roff {
  const lines: string[] = [];
  let line = '';
  for (const word of escaped(words).split(/\s+/)) {
    if (line !== '' && line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line].map((one) => (/^[.']/.test(one) ? `\\&${one}` : one));
}

export function title(name: string, section: number, version: string, date: string): Roff {
  return [`.TH ${name.toUpperCase()} ${section} "${date}" "alirtcd ${escaped(version)}" "alirtcd"`];
}

export function section(heading: string, ...body: readonly Roff[]): Roff {
  return [`.SH ${heading}`, ...opening(body.flat())];
}

export function subsection(heading: string, ...body: readonly Roff[]): Roff {
  return [`.SS ${heading}`, ...opening(body.flat())];
}

/** Behind a heading a paragraph begins by itself. */
function opening(lines: Roff): Roff {
  return lines[0] === '.PP' ? lines.slice(1) : lines;
}

export function paragraph(words: string): Roff {
  return ['.PP', ...text(words)];
}

/** Something and what it means. The placeholders <so> and [so] of `term` are slanted, the rest of it is bold. */
export function item(term: string, ...words: readonly string[]): Roff {
  const [first = '', ...more] = words;
  return ['.TP', marked(term), ...text(first), ...more.flatMap((one) => ['.br', ...text(one)])];
}

/** A line as it is typed. */
export function example(line: string): Roff {
  return ['.PP', '.RS 4', '.EX', escaped(line), '.EE', '.RE'];
}

/** Bold, but for placeholders and what stands between words. */
export function marked(term: string): string {
  return escaped(term)
    .split(/(<[^>]*>|\[[^\]]*\]|[ ,|]+)/)
    .map((part) => (part === '' || /^[ ,|]+$/.test(part) ? part : `\\f${/^[<[]/.test(part) ? 'I' : 'B'}${part}\\fR`))
    .join('');
}
