import type { EndCause } from '../../common/lifecycle.js';
import { messageOf } from '../../common/errors.js';
import { EndCause as EngineEndCause } from '../../gen/alirtc/v1/events.js';

/** For people. */
export function endDetail(cause: EndCause): string {
  if (cause.kind === 'failed') return messageOf(cause.error);
  return cause.kind === 'owner_closed' ? 'the daemon stops' : 'Release was called';
}

/** For people. */
export function leaseDetail(seconds: number): string {
  return `the lease ran out: for ${seconds} s no stream was open, no call was made and RenewLease was not called`;
}

export function endCause(cause: EndCause): EngineEndCause {
  switch (cause.kind) {
    case 'requested':
      return EngineEndCause.RELEASED;
    case 'owner_closed':
      return EngineEndCause.DAEMON_STOPPED;
    case 'failed':
      return EngineEndCause.CORE_DIED;
  }
}
