/** Participant attributes by which engines tell each other what LiveKit does not know. */
export const ATTRIBUTE_ROLE = 'alirtc.role';
export const ATTRIBUTE_PROFILE = 'alirtc.profile';
