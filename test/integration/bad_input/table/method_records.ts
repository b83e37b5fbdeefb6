import { status } from '@grpc/grpc-js';
import { tokenHash } from '../../../../common/token/alirtc_token.js';
import { VideoDataFormat } from '../../../../client/index.js';
import { APP_ID, APP_KEY } from '../../../support/running_daemon.js';
import type { Outcome } from './raw_call.js';
import type { Scene, State } from './scene.js';

/** "ok", or the reason of the refusal. All states that are not named are ok but for "released", which no engine comes back from. */
export type States = Readonly<Partial<Record<State, Ending>>>;
/** ok; the reason of a FAILED_PRECONDITION; or NOT_FOUND. */
export type Ending = 'ok' | 'ENGINE_NOT_FOUND' | `ERR_${string}`;

export type Request = Record<string, unknown>;

export interface MethodRecord {
  /** A request that is right, but for its engine_id. Of a push stream: open, and a frame. */
  request: Request;
  /** How it ends in which state; "none": it is no call on an engine. */
  states: States | 'none';
  /** Further requests whose ending in a state is another one. */
  variants?: readonly { title: string; request: Request; states: States }[];
  /** Requests with the other arms of a oneof, by the arm's field. */
  arms?: Readonly<Record<string, Request>>;
  /** Where the values are tried; ready when it is left out. */
  valuesIn?: State;
  /** Before its rows. */
  setUp?: (scene: Scene, state: State) => Promise<unknown>;
  /** After its rows. */
  tearDown?: (scene: Scene, state: State) => Promise<unknown>;
  /** Makes the last of a request that cannot stand here, e.g. its token. */
  complete?: (request: Request, scene: Scene) => Promise<Request> | Request;
  /** It ends the daemon; the file that has its rows instead, with a daemon for each. */
  triedIn?: string;
  /** Undoes what an accepted request did. */
  undo?: (scene: Scene, outcome: Outcome, state: State) => Promise<unknown>;
}

const ALWAYS: States = {};
const IN_CHANNEL = (reason: Ending): States => ({ ready: reason, joining: reason, left: reason });
const NO_PUBLISH = IN_CHANNEL('ERR_PUBLISH_NOT_JOIN_CHANNEL');
const NO_SUBSCRIBE = IN_CHANNEL('ERR_SUBSCRIBE_NOT_JOIN_CHANNEL');

const ask: MethodRecord = { request: {}, states: ALWAYS };
const simple = (request: Request): MethodRecord => ({ request, states: ALWAYS });

/** What a call of the interface publishes: before the join it is remembered, but nothing can be waited for. */
const publish: MethodRecord = {
  request: { enabled: true },
  states: ALWAYS,
  variants: [
    { title: 'with wait', request: { enabled: true, wait: true }, states: { ...NO_PUBLISH } },
    { title: 'off, with wait', request: { enabled: false, wait: true }, states: { ...NO_PUBLISH } },
  ],
  valuesIn: 'joined',
};

const PICTURE = { format: VideoDataFormat.I420, width: 64, height: 48, data: Buffer.alloc(64 * 48 * 1.5) };
const SOUND = { data: Buffer.alloc(960) };

async function declareSources(scene: Scene, state: State): Promise<void> {
  const engine = await scene.engine(state);
  if (state === 'released') return;
  await engine.setExternalVideoSource(true, { sourceType: 1 });
  await engine.setExternalVideoSource(true, { sourceType: 2 });
  await engine.setExternalAudioSource(true, { sampleRateHz: 48_000, channels: 1 });
}
const push = (request: Request): MethodRecord => ({
  request,
  states: ALWAYS,
  setUp: declareSources,
});
/** Waits for a channel and for room; a unary push in a channel would be refused for a full buffer now and then. */
const pushStream = (request: Request): MethodRecord => ({ ...push(request), valuesIn: 'joined' });

const CHANNEL = 'table';
const USER = 'me';
const IN_A_DAY_S = 86_400;

/** The token of what the request says, so that only the field of the row is wrong. */
function withToken(request: Request, scene: Scene): Promise<Request> | Request {
  const auth = request['auth_info'] as Request | undefined;
  if (auth !== undefined)
    return auth['token'] === MINTED ? { ...request, auth_info: { ...auth, token: hashOf(auth) } } : request;
  if (request['token'] !== MINTED) return request;
  const channel = textOf(request, 'channel_id');
  const userId = textOf(request, 'user_id');
  const id = /^[A-Za-z0-9_-]{1,64}$/;
  return scene.bed.client
    .generateToken({ channel: id.test(channel) ? channel : CHANNEL, userId: id.test(userId) ? userId : USER })
    .then(({ token }) => ({ ...request, token }));
}
const MINTED = 'made for the row';

function hashOf(auth: Request): string {
  // As the daemon reads bytes that are no UTF-8.
  const text = (name: string): string => textOf(auth, name).replaceAll(/[\ud800-\udfff]/g, '\ufffd'.repeat(3));
  const signed = { appId: text('app_id'), channel: text('channel'), userId: text('user_id'), nonce: text('nonce') };
  return tokenHash({ ...signed, timestamp: Number(auth['timestamp']) }, APP_KEY);
}

function textOf(request: Request, name: string): string {
  const value = request[name];
  return typeof value === 'string' ? value : '';
}

/** A request with the other arm of the credential. */
const AUTH_INFO = {
  channel: CHANNEL,
  user_id: USER,
  app_id: APP_ID,
  token: MINTED,
  timestamp: Math.floor(Date.now() / 1000) + IN_A_DAY_S,
};

const COMMUNICATION = { channel_profile: 1 };

const ENGINE: Record<string, MethodRecord> = {
  CreateAliRTCEngine: {
    request: { low_port: 42_000, high_port: 45_000, core_restart: { mode: 2, attempts: 3 } },
    states: 'none',
    undo: (scene, { response }) => scene.bed.client.engine(String(response?.['engine_id'])).release(),
  },
  Release: { request: {}, states: { released: 'ok' } },
  RenewLease: ask,
  ListEngines: { request: {}, states: 'none' },
  GetEngine: { request: {}, states: { released: 'ok' } },
  JoinChannel: {
    request: { token: MINTED, channel_id: CHANNEL, user_id: USER, config: COMMUNICATION, wait: true },
    states: { joining: 'ERR_JOIN_ALREADY_JOINED', joined: 'ERR_JOIN_ALREADY_JOINED' },
    variants: [
      {
        title: 'without waiting',
        request: { token: MINTED, channel_id: CHANNEL, user_id: USER, config: COMMUNICATION },
        states: { joining: 'ERR_JOIN_ALREADY_JOINED', joined: 'ERR_JOIN_ALREADY_JOINED' },
      },
      {
        title: 'with AuthInfo',
        request: { auth_info: AUTH_INFO, config: COMMUNICATION, wait: true },
        states: { joining: 'ERR_JOIN_ALREADY_JOINED', joined: 'ERR_JOIN_ALREADY_JOINED' },
      },
    ],
    arms: { auth_info: { auth_info: AUTH_INFO, config: COMMUNICATION, wait: true } },
    complete: withToken,
    undo: async (scene, _outcome, state) => (await scene.engine(state)).leaveChannel(),
  },
  LeaveChannel: {
    request: {},
    states: ALWAYS,
    variants: [{ title: 'with wait', request: { wait: true }, states: ALWAYS }],
  },
  IsLocalVideoStreamPublished: ask,
  IsLocalScreenPublishEnabled: ask,
  IsLocalAudioStreamPublished: ask,
  IsDualStreamPublished: ask,
  SetExternalVideoSource: simple({ enable: true }),
  SetExternalAudioSource: simple({ enable: true, sample_rate_hz: 48_000, channels_per_frame: 1 }),
  SetAudioProfile: simple({}),
  SetExternalAudioPublishVolume: simple({ volume: 50 }),
  GetExternalAudioPublishVolume: ask,
  SendMediaExtensionMsg: {
    request: { message: Buffer.from('hello'), repeat_count: 1 },
    states: IN_CHANNEL('ERR_PUBLISH_INVALID'),
    valuesIn: 'joined',
    setUp: async (scene, state) => {
      const engine = await scene.engine(state);
      if (state === 'joined') await engine.publishLocalVideoStream(true, { wait: true });
    },
    tearDown: async (scene) => (await scene.engine('joined')).publishLocalVideoStream(false, { wait: true }),
  },
  PublishLocalDualStream: { ...publish, variants: [] },
  PublishLocalVideoStream: publish,
  PublishLocalAudioStream: publish,
  PublishScreenShareStream: { ...publish, states: NO_PUBLISH },
  SubscribeRemoteAudioStream: { request: { uid: 'you', sub: true }, states: NO_SUBSCRIBE, valuesIn: 'joined' },
  SubscribeRemoteVideoStream: {
    request: { uid: 'you', video_track: 2, sub: true },
    states: NO_SUBSCRIBE,
    valuesIn: 'joined',
  },
  SetVideoEncoderConfiguration: simple({ config: { dimensions: { width: 320, height: 240 } } }),
  SetScreenShareEncoderConfiguration: simple({ config: { dimensions: { width: 320, height: 240 } } }),
  SetRemoteVideoStreamType: simple({ uid: 'you', stream_type: 2 }),
  SetRemoteDefaultVideoStreamType: simple({ stream_type: 2 }),
  MuteLocalCamera: simple({ mute: true }),
  MuteLocalMic: simple({ mute: true }),
  SetClientRole: {
    ...simple({ client_role: 1 }),
    variants: [{ title: 'as it is, with wait', request: { client_role: 1, wait: true }, states: ALWAYS }],
  },
  LeaveOnceNoStreamer: {
    ...simple({ enable: false }),
    tearDown: async (scene) => (await scene.engine('ready')).leaveOnceNoStreamer(false),
  },
  SetPeriodForCheckPeople: {
    request: { seconds: 0 },
    states: { joining: 'ERR_SDK_INVALID_STATE', joined: 'ERR_SDK_INVALID_STATE' },
    tearDown: async (scene) => (await scene.engine('ready')).setPeriodForCheckPeople(0),
  },
  SetParameter: simple({ params: '{}' }),
  SendDataChannelMessage: {
    request: { ctrl_msg: { type: 3, data: Buffer.from('hello') } },
    states: NO_PUBLISH,
    valuesIn: 'joined',
    setUp: async (scene, state) => {
      const engine = await scene.engine(state);
      const data = { enablePubDataChannel: true, enableSubDataChannel: true };
      if (state !== 'released') await engine.setParameter({ data });
    },
  },
  ClearDataBuffer: ask,
  GetRemainDataBufferSize: ask,
  SetVideoCallbackPeriod: { ...simple({ period_ms: 0 }) },
  GetSdkVersion: ask,
};

/** What every method of the contract is called with, and how it ends in every state. */
export const METHOD_RECORDS: Readonly<Record<string, MethodRecord>> = {
  ...Object.fromEntries(Object.entries(ENGINE).map(([name, record]) => [`EngineService.${name}`, record])),
  'EventService.GetEventHandler': { request: {}, states: { released: 'ok' } },
  'MediaService.OnRemoteVideoSample': ask,
  'MediaService.OnRemoteVideoEncodedSample': ask,
  'MediaService.OnSubscribeAudioFrame': ask,
  'MediaService.OnSubscribeMixAudioFrame': ask,
  'MediaService.OnSubscribeAudioAac': ask,
  'MediaService.OnSubscribeMixedAudioAac': ask,
  'MediaService.PushExternalVideoFrame': push({ source_type: 1, frame: PICTURE }),
  'MediaService.PushExternalAudioFrameRawData': push({ audio_samples: SOUND.data }),
  'MediaService.PushExternalAudioFrame': push({ frame: SOUND }),
  'MediaService.PushExternalVideoFrames': pushStream({ open: { source_type: 1 }, frame: PICTURE }),
  'MediaService.PushExternalAudioFrames': pushStream({ open: {}, frame: SOUND }),
  'NodeService.GetNodeStatus': { request: {}, states: 'none' },
  // What was written about an engine that ended can be read.
  'NodeService.GetLogs': { request: { since_lines: 10, follow: true }, states: { released: 'ok' } },
  'NodeService.GetConfig': { request: {}, states: 'none' },
  'NodeService.SetEngineLogLevel': simple({ level: 'info' }),
  'NodeService.Drain': { request: {}, states: 'none', triedIn: 'test/integration/node/drain.test.ts' },
  'TokenService.GenerateToken': { request: { auth_info: { channel: CHANNEL, user_id: USER } }, states: 'none' },
};

/** The status of an ending. */
export function codeOf(ending: Exclude<Ending, 'ok'>): status {
  return ending === 'ENGINE_NOT_FOUND' ? status.NOT_FOUND : status.FAILED_PRECONDITION;
}

/** How the record ends in the state. */
export function endingIn(states: States, state: State): Ending {
  return states[state] ?? (state === 'released' ? 'ENGINE_NOT_FOUND' : 'ok');
}
