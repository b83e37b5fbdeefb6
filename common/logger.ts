import pino from 'pino';

export type Logger = pino.Logger;

/** Keys whose values never reach a log, at any of the usual depths. */
const SECRET_KEYS = [
  'token',
  'accessToken',
  'access_token',
  'appKey',
  'app_key',
  'appkey',
  'secret',
  'apiSecret',
  'key',
  'keys',
  'authorization',
];

/** JSON lines on standard error (standard output belongs to what a process promises to print there). */
export function createLogger(
  name: string,
  level = process.env['ALIRTCD_LOG_LEVEL'] ?? 'info',
  /** Gives further fields for each line. */
  mixin: () => object = () => ({}),
  destination: pino.DestinationStream = standardError(),
): Logger {
  return pino(
    {
      name,
      level,
      mixin,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[redacted]' },
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

/** Takes lines as createLogger()'s destination does by default. */
export function standardError(): pino.DestinationStream {
  return pino.destination({ fd: 2, sync: true });
}
