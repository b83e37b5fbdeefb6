import { BinaryReader } from '@bufbuild/protobuf/wire';

interface WideField {
  /** As the .proto spells it, from the request on. */
  name: string;
  /** The field numbers on the way to it. */
  at: readonly number[];
  signed: boolean;
}

/**
 * The 64-bit numbers of the requests: a number of JavaScript holds them up to 2^53, and the generated reader that throws beyond does not say at which field. A test
 * goes through all fields of the contract, so none is forgotten here.
 */
const WIDE_FIELDS: Readonly<Record<string, WideField>> = {
  GetEventHandler: { name: 'from_sequence', at: [2], signed: false },
  JoinChannel: { name: 'auth_info.timestamp', at: [3, 6], signed: true },
  GenerateToken: { name: 'auth_info.timestamp', at: [1, 6], signed: true },
  SendDataChannelMessage: { name: 'ctrl_msg.network_time_ms', at: [2, 2], signed: false },
  PushExternalVideoFrame: { name: 'frame.timestamp_ms', at: [3, 9], signed: true },
  PushExternalVideoFrames: { name: 'frame.timestamp_ms', at: [2, 9], signed: true },
  PushExternalAudioFrameRawData: { name: 'timestamp_ms', at: [2], signed: true },
  PushExternalAudioFrame: { name: 'frame.timestamp_ms', at: [2, 1], signed: true },
  PushExternalAudioFrames: { name: 'frame.timestamp_ms', at: [2, 1], signed: true },
};

/** The 64-bit number of a request of that method, as its bytes say it; undefined when it has none. */
export function wideNumberOf(method: string, bytes: Uint8Array): { field: string; value: string } | undefined {
  const wide = WIDE_FIELDS[method];
  if (wide === undefined) return undefined;
  const value = lastOf(bytes, wide.at, wide.signed);
  return value === undefined ? undefined : { field: wide.name, value };
}

/** Of a field that comes several times the last one counts (protobuf.dev, "Last One Wins"). */
function lastOf(bytes: Uint8Array, [number, ...rest]: readonly number[], signed: boolean): string | undefined {
  const reader = new BinaryReader(bytes);
  let value: string | undefined;
  while (reader.pos < reader.len) {
    const [found, wireType] = reader.tag();
    if (found !== number) reader.skip(wireType, found);
    else if (rest.length > 0) value = lastOf(reader.bytes(), rest, signed) ?? value;
    else value = String(signed ? reader.int64() : reader.uint64());
  }
  return value;
}
