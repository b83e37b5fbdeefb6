// Section 4 of the page of the IPC, written from it alone.
type Type = 'number' | 'integer' | 'string' | 'boolean' | 'pairs';
interface Spec {
  keys: Record<string, Type>;
  /** The key of the payload's size. */
  payload?: string;
  /** The payload may come in any number of units. */
  split?: true;
}

const integers = (text: string): Record<string, Type> =>
  Object.fromEntries(text.split(' ').map((key) => [key, 'integer' as const]));
const state: Spec = { keys: { ...integers('oldState newState elapseSinceLastState'), channel: 'string' } };
const userState: Spec = { keys: { uid: 'string', ...state.keys } };
const pcm = integers('type frame_ms sample_rates samples channels sample_bits frame_size');

/** Section 4 of the page: every callback, its keys with their types. */
export const CALLBACKS: Readonly<Record<number, Spec>> = {
  1001: { keys: { joinresult: 'integer', channel: 'string', userid: 'string' } },
  1004: { keys: integers('leaveresult') },
  1005: { keys: { uid: 'string' } },
  1006: { keys: { uid: 'string' } },
  1007: { keys: { uid: 'string', ...integers('audioTrack videoTrack') } },
  1008: userState,
  1009: userState,
  1010: userState,
  1011: userState,
  1012: state,
  1013: state,
  1014: state,
  1015: state,
  1016: { keys: integers('oldRole newRole') },
  1017: { keys: integers('errorCode') },
  1018: { keys: integers('warningCode') },
  1019: { keys: { userid: 'string', size: 'integer' }, payload: 'size' },
  1020: { keys: { uid: 'string', ...integers('networkTime progress type dataLen') }, payload: 'dataLen' },
  1021: {
    keys: {
      uid: 'string',
      ...integers('track type frame_ms width height frame_num frame_size qp slice_type'),
      mv_infos: 'pairs',
    },
    payload: 'frame_size',
    split: true,
  },
  1022: { keys: { uid: 'string', ...pcm, stream_index: 'integer' }, payload: 'frame_size' },
  1023: { keys: pcm, payload: 'frame_size' },
  1024: { keys: { success: 'boolean' } },
  1025: {
    keys: { uid: 'string', ...integers('track type frame_ms width height frame_num frame_size') },
    payload: 'frame_size',
    split: true,
  },
  1026: { keys: { uid: 'string', ...integers('type frame_ms sample_rates channels buf_size') }, payload: 'buf_size' },
  1027: { keys: integers('type frame_ms sample_rates channels buf_size'), payload: 'buf_size' },
  1028: { keys: { success: 'boolean' } },
  1029: { keys: integers('audioBufferSize videoBufferSize') },
  1030: { keys: integers('status reason') },
  1031: { keys: {} },
  1032: { keys: { audiopath: 'string' } },
  1039: { keys: { isEnable: 'boolean' } },
  1040: { keys: { sdkVersion: 'string' } },
  1044: { keys: integers('sentenceID sequenceID') },
  1045: { keys: integers('sentenceID sequenceID') },
  1053: { keys: integers('soundId') },
  1059: { keys: { uid: 'string' } },
  1062: {
    keys: {
      ...integers(
        'availableSendBitrate sentKBitrate rcvdKBitrate sentBytes rcvdBytes videoRcvdKBitrate videoSentKBitrate callDuration sentLossRate sentLossPkts ' +
          'sentExpectedPkts rcvdLossRate rcvdLossPkts rcvdExpectedPkts lastmileDelay',
      ),
      systemCpu: 'number',
      appCpu: 'number',
    },
  },
  1063: {
    keys: integers(
      'track targetEncodeBitrate actualEncodeBitrate sentBitrate sentBitrateKbps sentFps encodeFps captureFps avgQpPerSec rtt sendBytes renderFps',
    ),
  },
  1064: {
    keys: {
      userId: 'string',
      ...integers(
        'track width height decodeFps renderFps frozenTimes videoTotalFrozenTime videoTotalFrozenRate rtpCount rtpLoss rtt recvBitrate ' +
          'rcvdBitrateKbps e2eDelay frameLoss pullBytes packetLossRate',
      ),
    },
  },
  1065: {
    keys: integers('track scene sentBitrate sentBitrateKbps sentSamplerate numChannel inputLevel rtt sendBytes'),
  },
  1066: {
    keys: {
      userId: 'string',
      ...integers(
        'track quality networkTransportDelay jitterBufferDelay audioLossRate rcvdBitrate rcvdBitrateKbps totalFrozenTimes audioTotalFrozenTime ' +
          'audioTotalFrozenRate rtt e2eDelay ai_e2eDelay pullBytes',
      ),
    },
  },
  1071: { keys: { uid: 'string', timeCost: 'integer' } },
};

const range = (last: number, first = 0): Set<number> =>
  new Set(Array.from({ length: last - first + 1 }, (_, index) => first + index));
const publishStates = { oldState: range(3), newState: range(3) };
const ERRORS = [
  0x02010201, 0x02010202, 0x02010203, 0x02010204, 0x02010205, 0x01020204, 0x01030101, 0x01030202, 0x01030302,
  0x01030303, 0x01030304, 0x03010201, 0x03010202, 0x01050201, 0x01050202, 0x01050203, 0x0102020c, 0x01030305,
  0x01010406, 0x01010450, 0x01010451, 0x01010452, 0x01010453, 0x01010454, 0x01030404, 0x01010550, 0x01010551,
  0x01010552, 0x01010553, 0x01010554, 0x01010555, 0x01060101, 0x01060102, 0x01060103, 0x01060104, 0x01060105,
  0x01060106, -1,
];

/** The closed enumerations: another number ends the vendor's host. */
const CLOSED: Readonly<Record<number, Record<string, ReadonlySet<number>>>> = {
  1007: { audioTrack: range(1), videoTrack: range(3) },
  1008: publishStates,
  1009: publishStates,
  1010: { oldState: range(2), newState: range(2) },
  1011: publishStates,
  1012: publishStates,
  1013: publishStates,
  1014: publishStates,
  1015: publishStates,
  1016: { oldRole: range(1), newRole: range(1) },
  1017: { errorCode: new Set(ERRORS) },
  1018: { warningCode: new Set([-1]) },
  1020: { type: range(2) },
  1021: { track: range(3), type: range(1) },
  1022: { type: range(1) },
  1023: { type: range(1) },
  1025: { track: range(3), type: range(1) },
  1026: { type: range(1) },
  1027: { type: range(1) },
  1030: { status: range(5), reason: range(12) },
  1063: { track: range(3) },
  1064: { track: range(3) },
};

/** What a host of closed lists cannot read of a callback. */
export function violationsOf(request: number, fields: Record<string, unknown>): string[] {
  const spec = CALLBACKS[request];
  if (spec === undefined) return [`a callback that the page does not have: ${JSON.stringify(fields)}`];
  const wrong = Object.entries(spec.keys)
    .filter(([key, type]) => !isOf(type, fields[key]))
    .map(([key, type]) => `${request}: ${key} is ${JSON.stringify(fields[key])}, no ${type}`);
  const unlisted = Object.entries(CLOSED[request] ?? {})
    .filter(([key, allowed]) => !allowed.has(fields[key] as number))
    .map(([key]) => `${request}: ${key} ${String(fields[key])} is not in the closed list`);
  const further = Object.keys(fields)
    .filter((key) => key !== 'Request' && key !== 'alirtcd' && !(key in spec.keys))
    .map((key) => `${request}: a key of nobody's, ${key}`);
  return [...wrong, ...unlisted, ...further];
}

function isOf(type: Type, value: unknown): boolean {
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'pairs') return Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2);
  return typeof value === type;
}
