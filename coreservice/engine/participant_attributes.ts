import { ATTRIBUTE_PROFILE, ATTRIBUTE_ROLE } from '../../common/token/participant_attributes.js';
import { ClientRole } from '../ipc/enums.js';

export type RoleName = 'interactive' | 'live';

export function roleName(role: ClientRole): RoleName {
  return role === ClientRole.Interactive ? 'interactive' : 'live';
}

/** What others have to see of us. */
export function ownAttributes(role: RoleName, profile: number): Record<string, string> {
  return { [ATTRIBUTE_ROLE]: role, [ATTRIBUTE_PROFILE]: String(profile) };
}

/** Whether a LiveKit token gives these attributes already. It is only read, not checked: that is the server's part. */
export function tokenHasAttributes(token: string, wanted: Readonly<Record<string, string>>): boolean {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as unknown;
    if (typeof claims !== 'object' || claims === null || !('attributes' in claims)) return false;
    const given = claims.attributes;
    if (typeof given !== 'object' || given === null) return false;
    return Object.entries(wanted).every(([name, value]) => (given as Record<string, unknown>)[name] === value);
  } catch {
    return false;
  }
}
