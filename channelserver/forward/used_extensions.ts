import type { SdpExtension, SdpMedia } from '../../webrtc/sdp/description.js';
import { AUDIO_LEVEL_URI, MID_URI, RID_URI, TRANSPORT_CC_URI } from '../../webrtc/sdp/description.js';

const USED_EXTENSIONS = [MID_URI, RID_URI, TRANSPORT_CC_URI, AUDIO_LEVEL_URI];

/** The RTP header extensions of an offered m-line that the server reads. */
export function usedExtensions({ extensions }: SdpMedia): SdpExtension[] {
  return extensions.filter(({ uri }) => USED_EXTENSIONS.includes(uri));
}
