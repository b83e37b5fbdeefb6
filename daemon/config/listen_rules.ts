import { formatListenAddress, isExposed } from './listen_address.js';
import type { ListenAddress } from './listen_address.js';

/** The settings that the rules of listeners, and of who comes by them, are about. */
export interface ListenSettings {
  listen: readonly ListenAddress[];
  'tls-cert'?: string | undefined;
  'tls-key'?: string | undefined;
  'client-ca'?: string | undefined;
  'insecure-listen': boolean;
  'jwt-key'?: string | undefined;
  'jwt-issuer'?: string | undefined;
  'jwt-audience'?: string | undefined;
  'admin-subject': readonly string[];
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
  if (listen.some(({ kind }) => kind === 'tls')) return faults;
  if (clientCa !== undefined)
    faults.push({ path: ['client-ca'], message: 'asks for certificates, but no listener has TLS; add tls:host:port' });
  for (const setting of ['tls-cert', 'tls-key'] as const)
    if (settings[setting] !== undefined)
      faults.push({ path: [setting], message: 'is for TLS, but no listener has TLS; add tls:host:port' });
  return faults;
}

/** What is said of callers that nobody asks who they are: the operator believes in a check that is not made. */
export function callerFaults(settings: ListenSettings): Fault[] {
  const faults: Fault[] = [];
  for (const setting of ['jwt-issuer', 'jwt-audience'] as const)
    if (settings[setting] !== undefined && settings['jwt-key'] === undefined)
      faults.push({ path: [setting], message: 'is for JSON Web Tokens, but none are checked; add jwt-key' });
  if (settings['admin-subject'].length > 0 && settings['client-ca'] === undefined)
    faults.push({
      path: ['admin-subject'],
      message: 'is for certificates of clients, but none are asked for; add client-ca',
    });
  return faults;
}
