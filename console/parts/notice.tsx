import type { ComponentChildren } from 'preact';

interface NoticeProps {
  kind: 'error' | 'hint';
  title: string;
  children: ComponentChildren;
}

/** Something that a person has to know; errors are spoken at once. */
export function Notice({ kind, title, children }: NoticeProps) {
  return (
    <div class={`notice notice-${kind}`} role={kind === 'error' ? 'alert' : 'note'}>
      <strong>{title}</strong>
      <p>{children}</p>
    </div>
  );
}
