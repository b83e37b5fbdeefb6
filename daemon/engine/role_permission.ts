import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import { decodeToken, looksLikeJwt } from '../../common/token/alirtc_token.js';
import { ChannelProfile } from '../../coreservice/ipc/enums.js';
import { ClientRole } from '../../gen/alirtc/v1/types.js';
import type { EngineEvent } from '../events/event_log.js';
import { refusal } from '../refusals.js';
import type { FindChannelServers } from './channel_servers.js';
import type { UpdatePermission } from './room_service.js';
import type { Credential, ExchangeRequest } from './token_exchange.js';

export interface RolePermissionOptions {
  keys: ReadonlyMap<string, string>;
  channelServers: FindChannelServers;
  logger: Logger;
  updatePermission: UpdatePermission;
}

/** Who joined with a token that the daemon made. */
interface Participant {
  apiKey: string;
  apiSecret: string;
  room: string;
  identity: string;
}

/**
 * What a LiveKit server lets an engine do goes with its role: audience joins with a token that does not allow publishing. When the role changes in the call, the
 * daemon, which holds the key, tells the server. Who joined with a LiveKit token keeps what that token gives; the embedded server lets every engine publish.
 */
export class RolePermission {
  readonly #options: RolePermissionOptions;
  #participant: Participant | undefined;
  #allowed = false;
  /** One request after the other: the last one asked for is what stands. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: RolePermissionOptions) {
    this.#options = options;
  }

  /** A join is on its way, with a token for that role. */
  joins({ credential, channel, userId, role, profile }: ExchangeRequest): void {
    const { keys, channelServers } = this.#options;
    this.#allowed = role === 'interactive';
    // In Communication everybody publishes, whatever the role.
    const follows = !channelServers().embedded && profile !== ChannelProfile.Communication;
    const apiKey = follows ? appIdOf(credential) : undefined;
    const apiSecret = apiKey === undefined ? undefined : keys.get(apiKey);
    this.#participant =
      apiKey === undefined || apiSecret === undefined
        ? undefined
        : { apiKey, apiSecret, room: channel, identity: userId };
  }

  /** Resolves when the server lets the engine publish. Rejects with UNAVAILABLE when it does not take it. */
  async allow(): Promise<void> {
    try {
      await this.#set(true);
    } catch (error) {
      throw refusal('unavailable', 'ROLE_NOT_TAKEN', `the channel server did not take the role: ${messageOf(error)}`, {
        field: 'client_role',
        remedy: "try again; the app id's key has to be one of the LiveKit server",
      });
    }
  }

  onEvent(event: EngineEvent, role: ClientRole): void {
    if (event.$case === 'onUpdateRoleNotify' && event.value.newRole === ClientRole.LIVE) this.#inBackground(false);
    // The role was set after the token had been made.
    const joined = event.$case === 'onJoinChannelResult' && event.value.result === 0;
    if (joined && role === ClientRole.INTERACTIVE) this.#inBackground(true);
  }

  #inBackground(mayPublish: boolean): void {
    this.#set(mayPublish).catch((error: unknown) =>
      this.#options.logger.warn({ mayPublish, reason: messageOf(error) }, 'the channel server did not take the role'),
    );
  }

  #set(mayPublish: boolean): Promise<void> {
    const participant = this.#participant;
    const { channelServers, updatePermission } = this.#options;
    const turn = this.#work.then(async () => {
      if (participant === undefined || participant !== this.#participant || this.#allowed === mayPublish) return;
      await updatePermission({ urls: channelServers().urls, ...participant, mayPublish });
      this.#allowed = mayPublish;
    });
    this.#work = turn.catch(() => undefined);
    return turn;
  }
}

/** Undefined for a LiveKit token, and for one that nobody can read. */
function appIdOf(credential: Credential): string | undefined {
  if (credential.kind === 'auth') return credential.auth.appId;
  if (looksLikeJwt(credential.token)) return undefined;
  try {
    return decodeToken(credential.token).auth.appId;
  } catch {
    return undefined;
  }
}
