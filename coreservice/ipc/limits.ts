/** The most bytes of SendMediaExtensionMsg (engine-semantics.md, section 4). */
export const MAX_SEI_BYTES = 4096;
/** The most bytes of SendDataChannelMessage: what LiveKit's SDKs and servers carry in one reliable packet, with its envelope. */
export const MAX_DATA_BYTES = 15 * 1024;
