import { status } from '@grpc/grpc-js';
import { bytes, cases, either, free, list, member, nested, oneOf, range, text, type Rule } from './value_rules.js';

const AUDIO = { reason: 'ERR_AUDIO_DATA_ERROR' };
const VIDEO = { reason: 'ERR_VIDEO_DATA_ERROR' };
const BAD_PARAM = { reason: 'ERR_JOIN_BAD_PARAM' };
const BAD_TOKEN = { code: status.UNAUTHENTICATED, reason: 'ERR_JOIN_BAD_TOKEN' };

const MAX_INT32 = 2_147_483_647;
/** ECMA-262 21.4.1.1, in seconds. */
const MAX_DATE_S = 8.64e12;
const RATES_OUT_HZ = [0, 8000, 12000, 16000, 24000, 32000, 44100, 48000];
const RATES_IN_HZ = [8000, 12000, 16000, 24000, 32000, 44100, 48000, 96000];
/** Of the picture and the sound that the records push: I420 of 64x48, 16-bit mono. */
const PICTURE_BYTES = 64 * 48 * 1.5;
/** Bytes behind the picture are passed over, as far as rounding up explains them. */
const MAX_PICTURE_BYTES = 2 * PICTURE_BYTES + 4096;
const SAMPLE_BYTES = 2;
const MAX_SOUND_BYTES = 30 * 96_000 * 2 * SAMPLE_BYTES;

const isId = (value: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(value);
const atMost = (count: number) => (value: string) => Buffer.byteLength(value) <= count;
const isRemoteUser = (value: string): boolean => value !== '' && atMost(256)(value);
const isFolder = (value: string): boolean =>
  !/\p{Cc}/u.test(value) && value.length < 4000 && value.split('/').every(atMost(255));
function isJsonObject(value: string): boolean {
  try {
    return value.length <= 65_536 && /^\{/.test(value) && JSON.parse(value) !== null;
  } catch {
    return false;
  }
}

const ODD_IDS = ['a b', 'a/b', 'ä', 'a\n', '../x', 'x'.repeat(64), 'x'.repeat(65)];
const ODD_JSON = ['{', 'null', '[]', '"text"', '7', '{"a":1}}', "{'a':1}", `{"a":"${'x'.repeat(65_536)}"}`, '{"a":1}'];
const ODD_NAMES = ['ä'.repeat(32), `${'ä'.repeat(32)}x`, '\u{1f600}'.repeat(16)];

const engineId = text(() => false, {
  as: { code: status.NOT_FOUND, reason: 'ENGINE_NOT_FOUND' },
  more: ['../../etc/passwd', 'eng_aaaaaaaaaaaa'],
});
const id = text(isId, { more: ODD_IDS });
const joinId = text((value) => value === '' || isId(value), { as: BAD_PARAM, more: ODD_IDS });
const authId = text((value) => isId(value), { as: BAD_PARAM, more: ODD_IDS });
const remoteUser = text(isRemoteUser, { more: ['x'.repeat(256), 'x'.repeat(257), 'a b/ä'] });
const onOff = free('a switch');
/** Tried by the records' variants, in the states in which it does not wait long. */
const wait: Rule = { why: 'whether the call waits for the outcome', samples: () => [] };
const clock = free("the clock of the pushed timestamps is the caller's");
/** What is above is corrected, and told by OnWarning. */
const notNegative = range(0, MAX_INT32);
const queueUpTo = (most: number): Rule => range(1, most, { zeroIsDefault: true });
const rateOut = oneOf(RATES_OUT_HZ);
const channelsOut = range(0, 2);
const defaulted = member('is the default');
const named = member('is refused');
const sound = bytes(
  (length) => length > 0 && length % SAMPLE_BYTES === 0 && length <= MAX_SOUND_BYTES,
  [1, SAMPLE_BYTES, SAMPLE_BYTES + 1, 961],
  AUDIO,
);
const stride = (least: number): Rule => range(least, 2 * least + 4096, { ...VIDEO, zeroIsDefault: true, ends: false });

const ENGINE_FIELDS: Record<string, Rule> = {
  'CreateAliRTCEngineRequest.low_port': range(1, 65_535, { ends: false }),
  'CreateAliRTCEngineRequest.high_port': range(1, 65_535, { ends: false }),
  'CreateAliRTCEngineRequest.log_path': text(isFolder, {
    as: { reason: 'LOG_PATH_NOT_ALLOWED' },
    more: ['mine/deep', 'a/'.repeat(3000)],
  }),
  'CreateAliRTCEngineRequest.core_service_path': text((value) => value === '' || value === 'builtin', {
    as: { reason: 'CORE_SERVICE_NOT_ALLOWED' },
    more: ['builtin', '/bin/sh', './builtin'],
  }),
  'CreateAliRTCEngineRequest.h5mode': onOff,
  'CreateAliRTCEngineRequest.extra': text((value) => value === '' || isJsonObject(value), { more: ODD_JSON }),
  'CreateAliRTCEngineRequest.channel_server_url': text((value) => value === '', {
    as: { reason: 'CHANNEL_SERVER_NOT_ALLOWED' },
    more: ['file:///etc/passwd', 'ws://'],
  }),
  'CreateAliRTCEngineRequest.core_restart': nested('is the default'),
  'CreateAliRTCEngineRequest.lease_seconds': range(0, 86_400),
  'CreateAliRTCEngineRequest.detached': onOff,
  'DrainRequest.deadline_seconds': range(0, 86_400),
  'NodeService.GetLogs engine_id': text((value) => value === '', {
    as: { code: status.NOT_FOUND, reason: 'ENGINE_NOT_FOUND' },
    more: ['eng_aaaaaaaaaaaa'],
  }),
  'GetLogsRequest.level': text((value) => /^(trace|debug|info|warn|error|fatal)?$/.test(value), {
    more: ['silent', 'INFO', 'fatal'],
  }),
  'GetLogsRequest.since_lines': range(0, 5000),
  'GetLogsRequest.follow': onOff,
  'SetEngineLogLevelRequest.level': text((value) => /^(trace|debug|info|warn|error|fatal|silent)?$/.test(value)),
  'CoreRestartPolicy.mode': defaulted,
  'CoreRestartPolicy.delay_ms': range(0, 60_000),
  'CoreRestartPolicy.max_delay_ms': range(0, 600_000),
  'CoreRestartPolicy.attempts': range(0, 100),
  'CoreRestartPolicy.window_seconds': range(0, 86_400),
  'JoinChannelRequest.token': text(() => false, {
    as: (value) =>
      value === ''
        ? { reason: 'ERR_JOIN_CONFIG_INVALID' }
        : value.length > 16_384
          ? { reason: 'ERR_JOIN_BAD_TOKEN' }
          : BAD_TOKEN,
    hidden: true,
    more: ['%%% garbage %%%', 'a.b.c', 'bnVsbA==', 'x'.repeat(16_385)],
  }),
  'JoinChannelRequest.auth_info': nested({ reason: 'ERR_JOIN_CONFIG_INVALID', field: 'token' }),
  'JoinChannelRequest.channel_id': joinId,
  'JoinChannelRequest.user_id': joinId,
  'JoinChannelRequest.user_name': text(atMost(64), { as: BAD_PARAM, more: ODD_NAMES }),
  'JoinChannelRequest.config': nested('is the default'),
  'JoinChannelRequest.wait': wait,
  'LeaveChannelRequest.wait': wait,
  'SetExternalVideoSourceRequest.enable': onOff,
  'SetExternalVideoSourceRequest.source_type': defaulted,
  'SetExternalVideoSourceRequest.render_mode': defaulted,
  'SetExternalAudioSourceRequest.enable': onOff,
  'SetExternalAudioSourceRequest.sample_rate_hz': oneOf(RATES_IN_HZ, AUDIO),
  'SetExternalAudioSourceRequest.channels_per_frame': range(1, 2, AUDIO),
  'SetAudioProfileRequest.audio_profile': defaulted,
  'SetAudioProfileRequest.audio_scene': defaulted,
  'SetExternalAudioPublishVolumeRequest.volume': range(0, 100),
  'SendMediaExtensionMsgRequest.message': bytes((length) => length >= 1 && length <= 4096, [1, 4096, 4097]),
  'SendMediaExtensionMsgRequest.repeat_count': range(-1, 1_000_000),
  'SendMediaExtensionMsgRequest.delay_ms': range(0, 3_600_000),
  'SendMediaExtensionMsgRequest.is_key_frame': onOff,
  ...Object.fromEntries(
    ['LocalDual', 'LocalVideo', 'LocalAudio', 'ScreenShare'].flatMap((kind) => [
      [`Publish${kind}StreamRequest.enabled`, onOff],
      [`Publish${kind}StreamRequest.wait`, wait],
    ]),
  ),
  'SubscribeRemoteAudioStreamRequest.uid': remoteUser,
  'SubscribeRemoteAudioStreamRequest.sub': onOff,
  'SubscribeRemoteAudioStreamRequest.wait': wait,
  'SubscribeRemoteVideoStreamRequest.uid': remoteUser,
  'SubscribeRemoteVideoStreamRequest.video_track': named,
  'SubscribeRemoteVideoStreamRequest.sub': onOff,
  'SubscribeRemoteVideoStreamRequest.wait': wait,
  'SetVideoEncoderConfigurationRequest.config': nested('is the default'),
  'SetScreenShareEncoderConfigurationRequest.config': nested('is the default'),
  'SetRemoteVideoStreamTypeRequest.uid': remoteUser,
  'SetRemoteVideoStreamTypeRequest.stream_type': named,
  'SetRemoteDefaultVideoStreamTypeRequest.stream_type': named,
  'MuteLocalCameraRequest.mute': onOff,
  'MuteLocalMicRequest.mute': onOff,
  'SetClientRoleRequest.client_role': named,
  'SetClientRoleRequest.wait': wait,
  'LeaveOnceNoStreamerRequest.enable': onOff,
  'SetPeriodForCheckPeopleRequest.seconds': range(-2_147_483_648, 3600),
  'SetParameterRequest.params': text((value) => isJsonObject(value) && !value.includes('alirtcd'), {
    // What is between daemon and core is refused by its key.
    as: (value) => (value.includes('alirtcd') ? { value: 'demand' } : {}),
    more: [...ODD_JSON, '{"alirtcd":{"demand":{}}}'],
  }),
  'SendDataChannelMessageRequest.ctrl_msg': nested('is the default'),
  'GetRemainDataBufferSizeRequest.data_type': defaulted,
  'SetVideoCallbackPeriodRequest.period_ms': range(0, 60_000),
};

const MEDIA_FIELDS: Record<string, Rule> = {
  'OnRemoteVideoSampleRequest.uids': list(remoteUser, 256),
  'OnRemoteVideoSampleRequest.tracks': list(named, 16),
  'OnRemoteVideoSampleRequest.queue_frames': queueUpTo(64),
  'OnRemoteVideoSampleRequest.local_frames': onOff,
  'OnRemoteVideoSampleRequest.local_lane': onOff,
  'OnRemoteVideoSampleRequest.direct_lane': onOff,
  'OnRemoteVideoEncodedSampleRequest.uids': list(remoteUser, 256),
  'OnRemoteVideoEncodedSampleRequest.tracks': list(named, 16),
  'OnRemoteVideoEncodedSampleRequest.queue_frames': queueUpTo(600),
  'OnRemoteVideoEncodedSampleRequest.local_lane': onOff,
  'OnSubscribeAudioFrameRequest.uids': list(remoteUser, 256),
  'OnSubscribeAudioFrameRequest.sample_rate_hz': rateOut,
  'OnSubscribeAudioFrameRequest.channels': channelsOut,
  'OnSubscribeAudioFrameRequest.queue_frames': queueUpTo(500),
  'OnSubscribeAudioFrameRequest.local_lane': onOff,
  'OnSubscribeMixAudioFrameRequest.sample_rate_hz': rateOut,
  'OnSubscribeMixAudioFrameRequest.channels': channelsOut,
  'OnSubscribeMixAudioFrameRequest.queue_frames': queueUpTo(500),
  'OnSubscribeMixAudioFrameRequest.local_lane': onOff,
  'OnSubscribeAudioAacRequest.uids': list(remoteUser, 256),
  'OnSubscribeAudioAacRequest.queue_frames': queueUpTo(500),
  'OnSubscribeAudioAacRequest.local_lane': onOff,
  'OnSubscribeMixedAudioAacRequest.queue_frames': queueUpTo(500),
  'OnSubscribeMixedAudioAacRequest.local_lane': onOff,
  'PushExternalVideoFrameRequest.source_type': defaulted,
  'PushExternalVideoFrameRequest.frame': nested(VIDEO),
  'PushExternalAudioFrameRawDataRequest.timestamp_ms': clock,
  'PushExternalAudioFrameRawDataRequest.audio_samples': sound,
  'PushExternalAudioFrameRequest.frame': nested(AUDIO),
  'PushExternalVideoFramesRequest.open': nested({}),
  'PushExternalVideoFramesRequest.frame': nested({}),
  'PushExternalVideoFramesOpen.source_type': defaulted,
  'PushExternalAudioFramesRequest.open': nested({}),
  'PushExternalAudioFramesRequest.frame': nested({}),
  'GetEventHandlerRequest.from_sequence': cases([0, 1], [1_000_000, 9_007_199_254_740_991], {
    code: status.OUT_OF_RANGE,
    reason: 'EVENTS_OUT_OF_RANGE',
  }),
};

const SHARED_FIELDS: Record<string, Rule> = {
  'JoinChannelConfig.channel_profile': defaulted,
  'JoinChannelConfig.is_audio_only': onOff,
  'JoinChannelConfig.publish_avsync_mode': defaulted,
  'JoinChannelConfig.publish_avsync_with_pts_max_audio_cache_size': range(1, 6000, BAD_PARAM),
  'JoinChannelConfig.publish_avsync_with_pts_max_video_cache_size': range(1, 1000, BAD_PARAM),
  'JoinChannelConfig.publish_mode': defaulted,
  'JoinChannelConfig.subscribe_mode': defaulted,
  'JoinChannelConfig.subscribe_video_format': defaulted,
  'JoinChannelConfig.subscribe_audio_format': defaulted,
  'EngineService.JoinChannel auth_info.channel': authId,
  'EngineService.JoinChannel auth_info.user_id': authId,
  'EngineService.JoinChannel auth_info.user_name': text(atMost(64), { as: BAD_PARAM, more: ODD_NAMES }),
  'EngineService.JoinChannel auth_info.app_id': text(() => false, {
    as: { code: status.UNAUTHENTICATED, reason: 'ERR_JOIN_BAD_APPID', field: 'app_id' },
  }),
  'EngineService.JoinChannel auth_info.token': text(() => false, {
    as: (value) => (value === '' ? { reason: 'ERR_JOIN_CONFIG_INVALID' } : { ...BAD_TOKEN, field: 'token' }),
    hidden: true,
    more: ['ab'.repeat(32)],
  }),
  'EngineService.JoinChannel auth_info.timestamp': cases(
    [MAX_DATE_S - 1, MAX_DATE_S],
    [-9_007_199_254_740_991, -1, 0, MAX_DATE_S + 1],
    { ...BAD_TOKEN, field: 'timestamp' },
  ),
  'EngineService.JoinChannel auth_info.nonce': text(atMost(1024), {
    as: BAD_PARAM,
    more: ['x'.repeat(1024), 'x'.repeat(1025)],
  }),
  'EngineService.JoinChannel auth_info.role': text(atMost(64), { as: BAD_PARAM }),
  'AuthInfo.channel': id,
  'AuthInfo.user_id': id,
  'AuthInfo.user_name': text(atMost(64), { more: ODD_NAMES }),
  'AuthInfo.app_id': text((value) => value === '', {
    as: (value) => (isId(value) ? { code: status.NOT_FOUND, reason: 'ERR_JOIN_BAD_APPID' } : {}),
    more: ['nobodys', ...ODD_IDS],
  }),
  'AuthInfo.token': free('replaced by the hash that is made'),
  'AuthInfo.timestamp': range(0, MAX_DATE_S),
  'AuthInfo.nonce': text(atMost(1024), { more: ['x'.repeat(1024), 'x'.repeat(1025)] }),
  'AuthInfo.role': text(atMost(64), {}),
  'GenerateTokenRequest.auth_info': nested({ field: 'auth_info.channel' }),
  'GenerateTokenRequest.app_key': text(atMost(1024), { hidden: true, more: ['x'.repeat(1024), 'x'.repeat(1025)] }),
  'GenerateTokenRequest.format': defaulted,
  'Dimensions.width': notNegative,
  'Dimensions.height': notNegative,
  'VideoEncoderConfiguration.dimensions': nested('is the default'),
  'VideoEncoderConfiguration.frame_rate': notNegative,
  'VideoEncoderConfiguration.bitrate_kbps': notNegative,
  'VideoEncoderConfiguration.min_bitrate_kbps': notNegative,
  'VideoEncoderConfiguration.key_frame_interval_ms': notNegative,
  'VideoEncoderConfiguration.orientation_mode': defaulted,
  'VideoEncoderConfiguration.mirror_mode': defaulted,
  'VideoEncoderConfiguration.rotation_mode': defaulted,
  'ScreenShareEncoderConfiguration.dimensions': nested('is the default'),
  'ScreenShareEncoderConfiguration.frame_rate': notNegative,
  'ScreenShareEncoderConfiguration.bitrate_kbps': notNegative,
  'ScreenShareEncoderConfiguration.rotation_mode': defaulted,
  // With the data of an I420 picture: NV21 and NV12 are as long, the others need more bytes or other ones.
  'VideoDataSample.format': either(
    cases([2, 3, 4], [6], VIDEO),
    cases([], [0, 99, -1]),
    cases([], [1, 5, 7, 8], { ...VIDEO, field: 'frame.data', value: String(PICTURE_BYTES) }),
  ),
  'VideoDataSample.buffer_type': member('is the default', { except: [2, 3], exceptAs: VIDEO }),
  'VideoDataSample.width': cases([64], [-2_147_483_648, -1, 0, 1921, 100_000, MAX_INT32], VIDEO),
  'VideoDataSample.height': cases([48], [-2_147_483_648, -1, 0, 1921, 100_000, MAX_INT32], VIDEO),
  'VideoDataSample.stride_y': stride(64),
  'VideoDataSample.stride_u': stride(32),
  'VideoDataSample.stride_v': stride(32),
  'VideoDataSample.rotation': oneOf([0, 90, 180, 270], VIDEO),
  'VideoDataSample.timestamp_ms': clock,
  'VideoDataSample.data': bytes(
    (length) => length >= PICTURE_BYTES && length <= MAX_PICTURE_BYTES,
    [PICTURE_BYTES - 1, PICTURE_BYTES, PICTURE_BYTES + 1, MAX_PICTURE_BYTES, MAX_PICTURE_BYTES + 1],
    VIDEO,
  ),
  'AudioFrameData.timestamp_ms': clock,
  'AudioFrameData.frame_id': text(atMost(256), { as: AUDIO, more: ['x'.repeat(256), 'x'.repeat(257)] }),
  'AudioFrameData.sentence_id': free("the caller's own numbers, told back by the events of sentences"),
  'AudioFrameData.sequence_id': free("the caller's own numbers"),
  'AudioFrameData.is_end_frame': onOff,
  'AudioFrameData.data': sound,
  'DataChannelMsg.type': defaulted,
  'DataChannelMsg.network_time_ms': free('a clock of the senders'),
  'DataChannelMsg.progress': free('a number of the senders'),
  'DataChannelMsg.data': bytes((length) => length <= 15 * 1024, [1, 15 * 1024, 15 * 1024 + 1]),
};

/**
 * What is legal for every field of every request: "Message.field", or "Service.Method path" where one method differs from the message. Every engine_id has the
 * rule of its name. docs/errors.md says how to add to it.
 */
export const FIELD_RULES: Readonly<Record<string, Rule>> = { ...ENGINE_FIELDS, ...MEDIA_FIELDS, ...SHARED_FIELDS };
export const ENGINE_ID_RULE = engineId;
