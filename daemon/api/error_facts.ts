import { AlirtcError } from '../../common/errors.js';

/** The same error, with facts that only its place in the API knows. What it says itself stays. */
export function withFacts(
  error: AlirtcError,
  facts: { field?: string; value?: string; metadata?: Readonly<Record<string, string>> },
): AlirtcError {
  const { reason, number, remedy } = error;
  const field = error.field ?? facts.field;
  const value = error.field === undefined ? facts.value : error.value;
  return new AlirtcError(error.class, error.message, {
    reason,
    ...(number === undefined ? {} : { number }),
    ...(field === undefined ? {} : { field }),
    ...(value === undefined ? {} : { value }),
    ...(remedy === undefined ? {} : { remedy }),
    metadata: { ...error.metadata, ...facts.metadata },
    cause: error,
  });
}

/** What a call on that engine fails with: when no other field is at fault, e.g. in a wrong state, it is the engine that was named. */
export function onEngine(error: unknown, engineId: string): unknown {
  if (!(error instanceof AlirtcError) || error.class === 'internal' || error.field !== undefined) return error;
  return withFacts(error, { field: 'engine_id', value: engineId });
}
