import type { Server } from '@grpc/grpc-js';
import type { Logger } from '../../common/logger.js';
import { messageOf } from '../../common/errors.js';
import { formatListenAddress, isExposed } from '../config/listen_address.js';
import type { ListenAddress } from '../config/listen_address.js';
import type { Config } from '../config/schema.js';
import { CertificateFiles } from './certificate_files.js';
import { listen, removeSocket } from './listeners.js';

/** Who renews certificates does not always tell. */
const LOOK_AGAIN_MS = 30_000;

/** Everything that a server listens on, and its certificates. */
export class OpenListeners {
  readonly #addresses: ListenAddress[] = [];
  readonly #logger: Logger;
  #certificates: CertificateFiles | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The real addresses. */
  get addresses(): string[] {
    return this.#addresses.map(formatListenAddress);
  }

  /** Throws an Error that names the address or the file that is wrong. */
  async open(server: Server, config: Config): Promise<void> {
    const { 'tls-cert': certificate, 'tls-key': key, 'client-ca': clientCa } = config;
    if (certificate !== undefined && key !== undefined) {
      this.#certificates = new CertificateFiles({ certificate, key, clientCa });
      this.#timer = setInterval(() => this.rereadCertificates(), LOOK_AGAIN_MS);
      this.#timer.unref();
    }
    const options = { socketMode: config['socket-mode'], certificates: this.#certificates };
    for (const address of config.listen) {
      const real = await listen(server, address, options);
      this.#addresses.push(real);
      this.#warnOf(real, config);
    }
  }

  /** TLS alone does not say who calls. */
  #warnOf(address: ListenAddress, config: Config): void {
    const hasTokens = config.tokens !== undefined || config['jwt-key'] !== undefined;
    const isKnown = hasTokens || (address.kind === 'tls' && config['client-ca'] !== undefined);
    const listen = formatListenAddress(address);
    // The digit of others: who is neither the owner nor of the group.
    const isOpen = address.kind === 'unix' && (parseInt(config['socket-mode'], 8) & 0o002) !== 0;
    if ((address.kind === 'tls' || isExposed(address) || isOpen) && !isKnown)
      this.#logger.warn({ listen }, 'whoever reaches this address may do everything: set tokens, jwt-key or client-ca');
    if (isExposed(address))
      this.#logger.warn({ listen }, 'what goes over this address can be read and changed on the way: it has no TLS');
  }

  /** New connections get what the files hold now. Files that are wrong leave the old certificate. */
  rereadCertificates(): void {
    try {
      if (this.#certificates?.reload() === true) this.#logger.info({ file: 'certificates' }, 'file taken');
    } catch (error) {
      const reason = messageOf(error);
      this.#logger.error({ file: 'certificates', reason }, 'file not taken: the old content counts on');
    }
  }

  /** Removes the sockets' files; the server itself is its owner's. */
  close(): void {
    clearInterval(this.#timer);
    for (const address of this.#addresses) removeSocket(address);
  }
}
