/** NTP time as RTCP carries it: RFC 3550 section 4. */

/** 32 bits of seconds since 1900 and 32 bits of fraction. */
export interface NtpTime {
  seconds: number;
  fraction: number;
}

const UNIX_EPOCH_IN_NTP_SECONDS = 2_208_988_800;
const TWO_32 = 2 ** 32;

/** From Unix microseconds. The seconds wrap in 2036, as NTP's do. */
export function unixUsToNtp(unixUs: number): NtpTime {
  const seconds = Math.floor(unixUs / 1e6);
  const fraction = Math.round(((unixUs - seconds * 1e6) * TWO_32) / 1e6);
  const carry = fraction >= TWO_32 ? 1 : 0;
  return { seconds: (seconds + UNIX_EPOCH_IN_NTP_SECONDS + carry) % TWO_32, fraction: carry === 1 ? 0 : fraction };
}

/** To Unix microseconds. Seconds before 1970 are taken as those of the era that begins in 2036. */
export function ntpToUnixUs(ntp: NtpTime): number {
  const era = ntp.seconds < UNIX_EPOCH_IN_NTP_SECONDS ? TWO_32 : 0;
  return (ntp.seconds + era - UNIX_EPOCH_IN_NTP_SECONDS) * 1e6 + Math.round((ntp.fraction * 1e6) / TWO_32);
}

/** The middle 32 bits, in 1/65536 s: what LSR and the round trip are reckoned in. */
export function ntpMiddle32(ntp: NtpTime): number {
  return (((ntp.seconds & 0xffff) << 16) | (ntp.fraction >>> 16)) >>> 0;
}
