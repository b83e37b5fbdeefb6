const DEVICE_ERRORS: Readonly<Record<string, string>> = {
  NotAllowedError: 'the browser was not allowed to use it. Allow it in the address bar, then try again',
  NotFoundError: 'there is none on this machine',
  NotReadableError: 'another program uses it',
  OverconstrainedError: 'it cannot make such pictures',
  AbortError: 'it could not be started',
};

/** Why a camera or microphone does not start, for people. */
export function deviceProblem(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  const fallback = error instanceof Error ? error.message : String(error);
  return (DEVICE_ERRORS[name] ?? fallback).replace(/\.$/, '');
}
