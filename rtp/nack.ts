/** Retransmission, both ends: what to ask for (RFC 4585 section 6.2.1) and what was sent. */
export { NackScheduler } from './nack_scheduler.js';
export type { NackSchedulerOptions } from './nack_scheduler.js';
export { RetransmissionBuffer } from './retransmission_buffer.js';
export type { RetransmissionBufferOptions } from './retransmission_buffer.js';
