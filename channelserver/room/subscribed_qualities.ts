import { SubscribedCodec, SubscribedQuality, SubscribedQualityUpdate, VideoQuality } from '@livekit/protocol';

/** What a publisher is told of its layers: all up to the highest one that somebody wants (-1: none). */
export function subscribedQualities(
  trackSid: string,
  codec: string,
  layers: number,
  highest: number,
): SubscribedQualityUpdate {
  // With two layers medium and high are both the upper one.
  const qualities = [VideoQuality.LOW, VideoQuality.MEDIUM, VideoQuality.HIGH].map(
    (quality) => new SubscribedQuality({ quality, enabled: Math.min(quality, layers - 1) <= highest }),
  );
  return new SubscribedQualityUpdate({
    trackSid,
    subscribedQualities: qualities,
    subscribedCodecs: [new SubscribedCodec({ codec: codec.toLowerCase(), qualities })],
  });
}
