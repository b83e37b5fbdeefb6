/** The codecs that the server forwards, and which of an offer's payload types is which. */
import type { SdpCodec } from '../../webrtc/sdp/description.js';

export type CodecName = 'H264' | 'VP8' | 'opus';

export interface ForwardCodec {
  name: CodecName;
  payloadType: number;
  /** Of the RTP time, Hz. */
  clockRate: number;
  /** a=fmtp, without the payload type; empty when there is none. */
  fmtp: string;
}

/** As TrackInfo names it. */
export function mimeTypeOf(name: CodecName): string {
  return name === 'opus' ? 'audio/opus' : `video/${name}`;
}

/** "video/h264", "h264", "VP8", "opus", ... */
export function codecNameOf(text: string): CodecName | undefined {
  switch (text.toLowerCase().replace(/^(video|audio)\//, '')) {
    case 'h264':
      return 'H264';
    case 'vp8':
      return 'VP8';
    case 'opus':
      return 'opus';
    default:
      return undefined;
  }
}

/** The codecs of an m-line that can be forwarded, each once, in its order of preference. */
export function forwardable(kind: 'audio' | 'video', codecs: readonly SdpCodec[]): ForwardCodec[] {
  const best = new Map<CodecName, { codec: SdpCodec; rank: number }>();
  for (const codec of codecs) {
    const name = codecNameOf(codec.name);
    if (name === undefined || (name === 'opus') !== (kind === 'audio')) continue;
    if (codec.clockRate !== (name === 'opus' ? 48_000 : 90_000)) continue;
    const rank = name === 'H264' ? h264Rank(codec) : 0;
    const known = best.get(name);
    if (known === undefined) best.set(name, { codec, rank });
    else if (rank < known.rank) Object.assign(known, { codec, rank });
  }
  return [...best].map(([name, { codec }]) => ({
    name,
    payloadType: codec.payloadType,
    clockRate: codec.clockRate,
    fmtp: [...codec.parameters].map(([key, value]) => (value === '' ? key : `${key}=${value}`)).join(';'),
  }));
}

/** What a publisher shall send: the codec that it announced with AddTrack, else the first one that it offers. */
export function chooseCodec(
  kind: 'audio' | 'video',
  codecs: readonly SdpCodec[],
  announced: CodecName | undefined,
): ForwardCodec | undefined {
  const usable = forwardable(kind, codecs);
  return usable.find((codec) => codec.name === announced) ?? usable[0];
}

/** The first codec of an m-line that carries media itself, whether it can be forwarded or not. */
export function firstCodec(codecs: readonly SdpCodec[]): (Omit<ForwardCodec, 'name'> & { name: string }) | undefined {
  const codec = codecs.find(({ name }) => !/^(rtx|red|ulpfec|flexfec.*)$/i.test(name));
  return codec === undefined
    ? undefined
    : { name: codec.name, payloadType: codec.payloadType, clockRate: codec.clockRate, fmtp: '' };
}

/** Packetization mode 1 before 0 (RFC 6184, 6.2: mode 0 has no fragments), constrained baseline before what decodes it as well. */
function h264Rank(codec: SdpCodec): number {
  const profile = (codec.parameters.get('profile-level-id') ?? '420010').toLowerCase();
  const mode = codec.parameters.get('packetization-mode') === '1' ? 0 : 10;
  if (profile.startsWith('42e0')) return mode;
  if (profile.startsWith('4200')) return mode + 1;
  return mode + (profile.startsWith('4d') ? 2 : 3);
}
