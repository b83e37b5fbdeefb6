import { AlirtcError } from '../../common/errors.js';

export interface ProtocolErrorFacts {
  /** The message's name, or what stands for it ("a message"). */
  message: string;
  /** The JSON key at fault. */
  key?: string;
  /** What was found; shorten it before, and never give a token. */
  value?: string;
}

/** What the other end sent breaks the protocol: the connection ends with it, there is no resynchronizing. */
export function protocolError(facts: ProtocolErrorFacts, text: string): AlirtcError {
  const key = facts.key === undefined ? '' : ` key "${facts.key}"`;
  return new AlirtcError('internal', `core-service IPC: ${facts.message}${key}: ${text}`, {
    reason: 'IPC_PROTOCOL_ERROR',
    ...(facts.key === undefined ? {} : { field: facts.key }),
    ...(facts.value === undefined ? {} : { value: facts.value }),
    remedy: 'The two ends do not speak the same protocol; check which core service is configured.',
    metadata: { message: facts.message },
  });
}
