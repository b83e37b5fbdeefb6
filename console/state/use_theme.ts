import { useEffect, useState } from 'preact/hooks';

export type Theme = 'light' | 'dark';

const DARK = '(prefers-color-scheme: dark)';

/** What the system prefers; for what is painted on canvases. Styles ask for it themselves. */
export function useTheme(): Theme {
  const [isDark, setIsDark] = useState(() => matchMedia(DARK).matches);
  useEffect(() => {
    const query = matchMedia(DARK);
    const onChange = (): void => setIsDark(query.matches);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, []);
  return isDark ? 'dark' : 'light';
}

/** The value of a custom property. */
export function colour(property: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}
