import { credentials } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { isTlsAddress } from './address.js';
import { invalidArgument } from './status_error.js';
import type { AlirtcStatusError } from './status_error.js';

/** How a daemon behind TLS is known, and what it knows us by. All PEM. */
export interface TlsOptions {
  /** The authority that signed the daemon's certificate; default those of Node. */
  ca?: string | Buffer | undefined;
  /** Our certificate and key, for a daemon with client-ca. */
  certificate?: string | Buffer | undefined;
  key?: string | Buffer | undefined;
}

/** Throws INVALID_ARGUMENT: certificates without TLS, only one of certificate and key, or not PEM. */
export function credentialsOf(address: string, tls: TlsOptions | undefined): ChannelCredentials {
  if (!isTlsAddress(address)) {
    if (tls !== undefined) throw wrong(`${address} has no TLS`, 'address', 'use tls:host:port, or leave the files out');
    return credentials.createInsecure();
  }
  const { ca, certificate, key } = tls ?? {};
  if ((certificate === undefined) !== (key === undefined))
    throw wrong('certificate and key belong together', 'tls', 'give both, or none');
  try {
    return credentials.createSsl(bytes(ca), bytes(key), bytes(certificate));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw wrong(
      `the certificates cannot be used: ${why}`,
      'tls',
      'give PEM files, the key being that of the certificate',
    );
  }
}

function wrong(text: string, field: string, remedy: string): AlirtcStatusError {
  return invalidArgument(text, field, remedy);
}

function bytes(text: string | Buffer | undefined): Buffer | null {
  if (text === undefined) return null;
  return typeof text === 'string' ? Buffer.from(text) : text;
}
