import type { Property } from '../support/property.js';
import { IPC_PROPERTIES } from './ipc.js';
import { RTP_PROPERTIES } from './rtp.js';
import { SIGNAL_PROPERTIES } from './signal.js';

/** Of the targets that have a part without sockets. */
export const PROPERTIES: Readonly<Record<string, readonly Property[]>> = {
  ipc: IPC_PROPERTIES,
  websocket: SIGNAL_PROPERTIES,
  rtp: RTP_PROPERTIES,
};
