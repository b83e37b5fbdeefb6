import { formatListenAddress, isExposed } from './listen_address.js';
import type { ListenAddress } from './listen_address.js';

/** The settings that the rules of listeners are about. */
export interface ListenSettings {
  listen: readonly ListenAddress[];
  'tls-cert'?: string | undefined;
  'tls-key'?: string | undefined;
  'client-ca'?: string | undefined;
  'insecure-listen': boolean;
}

interface Fault {
  path: (string | number)[];
  message: string;
}

/** What is wrong with the listeners together; nothing: they may be bound. */
export function listenFaults(settings: ListenSettings): Fault[] {
  const { listen, 'tls-cert': certificate, 'tls-key': key, 'client-ca': clientCa } = settings;
  const faults: Fault[] = [];
  for (const [index, address] of listen.entries()) {
    const text = formatListenAddress(address);
    if (isExposed(address) && !settings['insecure-listen'])
      faults.push({
        path: ['listen', index],
        message: `"${text}": only loopback addresses without TLS; use ${text.replace('tcp:', 'tls:')} with tls-cert and tls-key, or say --insecure-listen`,
      });
    if (address.kind === 'tls' && (certificate === undefined || key === undefined))
      faults.push({ path: ['listen', index], message: `"${text}": TLS needs tls-cert and tls-key` });
  }
  const hasTls = listen.some(({ kind }) => kind === 'tls');
  if (!hasTls && clientCa !== undefined)
    faults.push({ path: ['client-ca'], message: 'asks for certificates, but no listener has TLS; add tls:host:port' });
  return faults;
}
