import type { PageCodec } from './protocol.js';

/** Video that the page sends is offered as this codec alone from now on, whatever the SDK and the server prefer. */
export function sendOnly(codec: PageCodec): void {
  const wanted = [`video/${codec}`, 'video/rtx'];
  const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
  const allowed = codecs.filter(({ mimeType }) => wanted.includes(mimeType.toLowerCase()));
  window.RTCPeerConnection = class extends RTCPeerConnection {
    override addTransceiver(...parameters: Parameters<RTCPeerConnection['addTransceiver']>): RTCRtpTransceiver {
      const transceiver = super.addTransceiver(...parameters);
      if (transceiver.sender.track?.kind === 'video') transceiver.setCodecPreferences(allowed);
      return transceiver;
    }
  };
}
