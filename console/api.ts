import { CONSOLE_HEADER } from '../common/console_api.js';
import type { ApiErrorBody } from '../common/console_api.js';

/** What the daemon refused, with its own words. */
export class ApiError extends Error {
  readonly reason: string;
  readonly remedy: string;

  constructor({ error }: ApiErrorBody) {
    super(error.message);
    this.reason = error.reason;
    this.remedy = error.remedy ?? '';
  }
}

/** Throws ApiError, or a TypeError when nobody answers. */
export async function getJson<T>(url: string, signal?: AbortSignal): Promise<T> {
  return (await answer(fetch(url, signal === undefined ? {} : { signal }))).json() as Promise<T>;
}

export async function getBlob(url: string, signal: AbortSignal): Promise<Blob> {
  return (await answer(fetch(url, { signal }))).blob();
}

/** A request that changes something: it says that it comes from this page. */
export async function send<T>(method: 'POST' | 'DELETE', url: string, body?: unknown): Promise<T> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const init = { method, headers: { ...json, [CONSOLE_HEADER]: '1' } };
  return (
    await answer(fetch(url, body === undefined ? init : { ...init, body: JSON.stringify(body) }))
  ).json() as Promise<T>;
}

async function answer(request: Promise<Response>): Promise<Response> {
  const response = await request;
  if (response.ok) return response;
  const body = (await response.json().catch(() => undefined)) as ApiErrorBody | undefined;
  const message = `the daemon answered ${response.status}`;
  throw new ApiError(body ?? { error: { class: 'internal', reason: 'UNKNOWN', message } });
}

/** For people, of anything that was thrown. */
export function errorText(error: unknown): string {
  if (error instanceof ApiError) return error.remedy === '' ? error.message : `${error.message}: ${error.remedy}`;
  if (error instanceof TypeError) return 'the daemon does not answer';
  return error instanceof Error ? error.message : String(error);
}
