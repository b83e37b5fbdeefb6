import type { Logger } from '../../common/logger.js';
import { AlirtcError, messageOf } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import { ChannelProfile, ClientRole } from '../ipc/enums.js';
import type { Stay } from './core_engine.js';
import type { Outbox } from './outbox.js';
import { ownAttributes, roleName } from './participant_attributes.js';
import type { Settings } from './settings.js';

export interface RoleChangerParts {
  settings: Settings;
  outbox: Outbox;
  logger: Logger;
  stay(): Stay | undefined;
  isPublishing(): boolean;
  isJoining(): boolean;
  /** The role is in force; retry: what could not be published is tried again. */
  onChanged(retry: boolean): void;
}

/** SetClientRole. Before a join it only sets; in a call others have to see it before it is told. */
export class RoleChanger {
  /** Changes are made in the order they were asked for. */
  #work: Promise<void> = Promise.resolve();
  #asked: ClientRole | undefined;
  #setWhileJoining = false;

  constructor(private readonly parts: RoleChangerParts) {}

  set(role: ClientRole): void {
    const { settings } = this.parts;
    const stay = this.parts.stay();
    if (stay === undefined) {
      settings.role = role;
      this.#setWhileJoining = this.parts.isJoining();
      return;
    }
    const communication = isCommunication(stay);
    const current = this.#asked ?? settings.roleIn(communication);
    if (role === current) {
      settings.role ??= role;
      return;
    }
    if (role === ClientRole.Live && !communication && this.parts.isPublishing())
      throw new AlirtcError('failed_precondition', 'publishing has to be stopped before becoming audience', {
        reason: 'ROLE_WHILE_PUBLISHING',
        number: ERROR_NUMBERS.ERR_SDK_INVALID_STATE,
      });
    this.#asked = role;
    this.#work = this.#work.then(() => this.#change(stay, role));
  }

  /** A role that was set while the join was under way, perhaps after its attributes went out: others are told again, the host is not. */
  onEntered(): void {
    this.#asked = undefined;
    const stay = this.parts.stay();
    if (!this.#setWhileJoining || stay === undefined) return;
    this.#setWhileJoining = false;
    const { settings, outbox } = this.parts;
    const role = settings.roleIn(isCommunication(stay));
    this.#work = this.#work
      .then(() => stay.room.setAttributes(ownAttributes(roleName(role), stay.request.config.channelProfile)))
      .catch((error: unknown) => {
        outbox.error('ERR_SDK_INVALID_STATE', { reason: 'ROLE_NOT_TAKEN', text: messageOf(error) });
      });
  }

  /**
   * The server's word on publishing has changed. Who may not publish any more becomes audience, where there is one, and is told so; who may again has to ask
   * for the role again. In Communication what is wanted is published again.
   */
  onPermission(canPublish: boolean): void {
    const stay = this.parts.stay();
    if (stay === undefined) return;
    const communication = isCommunication(stay);
    const current = this.#asked ?? this.parts.settings.roleIn(communication);
    // Audience: the server follows the role.
    if (!communication && current === ClientRole.Live) return;
    if (canPublish) {
      this.parts.onChanged(true);
      return;
    }
    this.parts.outbox.warning('PUBLISH_NOT_PERMITTED', 'the channel server does not let this user publish any more');
    if (communication) return;
    this.#asked = ClientRole.Live;
    this.#work = this.#work.then(() => this.#change(stay, ClientRole.Live));
  }

  async #change(stay: Stay, role: ClientRole): Promise<void> {
    const { settings, outbox, logger } = this.parts;
    if (this.parts.stay() !== stay) return;
    // Others are to see the tracks go before the role: a server may take longer for the first than for the second.
    if (role === ClientRole.Live) await stay.room.whenUnpublished();
    if (this.parts.stay() !== stay) return;
    const old = settings.roleIn(isCommunication(stay));
    try {
      await stay.room.setAttributes(ownAttributes(roleName(role), stay.request.config.channelProfile));
      if (this.parts.stay() !== stay) return;
      settings.role = role;
      outbox.event('ROLE_UPDATE', { oldRole: old, newRole: role });
      this.parts.onChanged(false);
    } catch (error) {
      logger.warn({ err: error }, 'the role could not be changed');
      if (this.parts.stay() === stay)
        outbox.error('ERR_SDK_INVALID_STATE', { reason: 'ROLE_NOT_TAKEN', text: messageOf(error) });
    } finally {
      if (this.#asked === role) this.#asked = undefined;
    }
  }
}

function isCommunication(stay: Stay): boolean {
  return stay.request.config.channelProfile === ChannelProfile.Communication;
}
