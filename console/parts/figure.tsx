import type { ComponentChildren } from 'preact';

interface FigureProps {
  name: string;
  value: ComponentChildren;
  note?: ComponentChildren;
  wide?: boolean;
}

/** A number that matters, with its name; inside a <dl>. */
export function Figure({ name, value, note, wide = false }: FigureProps) {
  return (
    <div class={wide ? 'figure figure-wide' : 'figure'}>
      <dt>{name}</dt>
      <dd>
        <span class="figure-value">{value}</span>
        {note !== undefined && <span class="figure-note">{note}</span>}
      </dd>
    </div>
  );
}
