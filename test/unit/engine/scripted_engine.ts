import { createLogger } from '../../../common/logger.js';
import { CoreEngine } from '../../../coreservice/engine/core_engine.js';
import type { ExchangeRequest } from '../../../coreservice/engine/token_exchange.js';
import type { CallbackName } from '../../../coreservice/ipc/callbacks.js';
import type { Command, CommandFields, CommandName, JoinConfigFields } from '../../../coreservice/ipc/commands.js';
import { FakeClock, settle } from './fake_clock.js';
import { ScriptedCodecs } from './scripted_codecs.js';
import { ScriptedLaneServer } from './scripted_lane_server.js';
import { ScriptedRoom } from './scripted_room.js';

export interface Told {
  name: CallbackName;
  fields: Record<string, unknown>;
  payload: Buffer | undefined;
}

export const COMMUNICATION = 0;
export const INTERACTIVE_LIVE = 1;
const TICKET = { url: 'ws://127.0.0.1:1', token: 'a.b.c' };

/** An engine between a scripted host and scripted rooms, in time that a test owns. */
export class ScriptedEngine {
  readonly clock = new FakeClock();
  readonly codecs = new ScriptedCodecs();
  readonly told: Told[] = [];
  /** The statistics callbacks, which come by time and not for what a test does. */
  readonly statistics: Told[] = [];
  readonly rooms: ScriptedRoom[] = [];
  readonly exchanged: ExchangeRequest[] = [];
  /** What the socket has not taken yet. */
  writableLength = 0;
  /** Called for each room before it is connected. */
  onRoom: (room: ScriptedRoom) => void = () => undefined;
  onExchange: () => Promise<{ url: string; token: string }> = () => Promise.resolve(TICKET);
  laneServer: (path: string) => ScriptedLaneServer = (path) => new ScriptedLaneServer(path);
  readonly engine: CoreEngine;

  constructor(options: { defaultUrl?: string } = {}) {
    const connection = {
      writableLength: 0,
      notify: (name: CallbackName, fields: Record<string, unknown>, payload?: Buffer) => {
        (name.endsWith('_STATS') ? this.statistics : this.told).push({ name, fields, payload });
      },
    };
    Object.defineProperty(connection, 'writableLength', { get: () => this.writableLength });
    this.engine = new CoreEngine({
      connection,
      codecs: this.codecs,
      clock: this.clock,
      cpu: () => ({ app: 1, system: 2 }),
      laneServer: (path) => this.laneServer(path),
      logger: createLogger('engine-test', 'silent'),
      createRoom: (room) => {
        const scripted = new ScriptedRoom(room);
        this.rooms.push(scripted);
        this.onRoom(scripted);
        return scripted;
      },
      exchangeToken: (request) => {
        this.exchanged.push(request);
        return this.onExchange();
      },
      defaultUrl: options.defaultUrl,
    });
  }

  get room(): ScriptedRoom {
    const room = this.rooms.at(-1);
    if (room === undefined) throw new Error('no room was made');
    return room;
  }

  send<N extends CommandName>(name: N, fields: CommandFields<N>, payload?: Buffer): void {
    this.engine.handle({ name, fields, payload } as Command);
  }

  /** A joined engine; what was told until then is forgotten. */
  async join(config: Partial<JoinConfigFields> = {}): Promise<void> {
    this.sendJoin(config);
    await settle();
    if (this.engine.stay === undefined) throw new Error(`not joined: ${this.lines().join('; ')}`);
  }

  sendJoin(config: Partial<JoinConfigFields> = {}, ticket: object | undefined = TICKET): void {
    this.send('JOIN_CHANNEL_V2', {
      token: 'x',
      channel: 'room',
      userid: 'me',
      username: 'Me',
      config: {
        channelProfile: COMMUNICATION,
        publishMode: 1,
        subscribeMode: 1,
        subscribeVideoFormat: 0,
        subscribeAudioFormat: 0,
        ...config,
      },
      ...(ticket === undefined ? {} : { alirtcd: { ...ticket } }),
    });
  }

  /** What was told since the last call, one line each, frames left out. */
  lines(): string[] {
    return this.take()
      .filter(({ payload }) => payload === undefined)
      .map(lineOf);
  }

  take(): Told[] {
    return this.told.splice(0);
  }

  async demand(demand: object): Promise<void> {
    this.send('SET_PARAMETER', { param: JSON.stringify({ alirtcd: { demand } }) });
    await settle();
  }
}

const STATES = {
  publish: ['Idle', 'NoPublish', 'Publishing', 'Published'],
  subscribe: ['Idle', 'NoSubscribe', 'Subscribing', 'Subscribed'],
  type: ['None', 'High', 'Low'],
};
const STATUS = ['Init', 'Disconnected', 'Connecting', 'Connected', 'Reconnecting', 'Failed'];

/** "camera: Idle>Publishing", "online alice", and so on; what has no short form is its name and fields. */
export function lineOf({ name, fields }: Told): string {
  const text = (key: string): string => String(fields[key]);
  const edge = (states: readonly string[]): string =>
    `${states[Number(fields['oldState'])]}>${states[Number(fields['newState'])]}`;
  const alirtcd = fields['alirtcd'] as { reason?: string } | undefined;
  switch (name) {
    case 'JOIN_RESULT':
      return `joined ${text('joinresult')}${alirtcd?.reason === undefined ? '' : ` ${alirtcd.reason}`}`;
    case 'LEAVE_RESULT':
      return `left ${text('leaveresult')}`;
    case 'CONNECTION_STATUS':
      return `status ${STATUS[Number(fields['status'])]}`;
    case 'REMOTE_USER_ONLINE':
      return `online ${text('uid')}`;
    case 'REMOTE_USER_OFFLINE':
      return `offline ${text('uid')}`;
    case 'REMOTE_TRACKS_AVAILABLE':
      return `tracks ${text('uid')} ${text('audioTrack')} ${text('videoTrack')}`;
    case 'CAMERA_PUBLISH_STATE':
    case 'SCREEN_PUBLISH_STATE':
    case 'AUDIO_PUBLISH_STATE':
    case 'DUAL_PUBLISH_STATE':
      return `${name.split('_')[0]?.toLowerCase()}: ${edge(STATES.publish)}`;
    case 'CAMERA_SUBSCRIBE_STATE':
    case 'SCREEN_SUBSCRIBE_STATE':
    case 'AUDIO_SUBSCRIBE_STATE':
      return `${text('uid')} ${name.split('_')[0]?.toLowerCase()}: ${edge(STATES.subscribe)}`;
    case 'SUBSCRIBED_STREAM_TYPE':
      return `${text('uid')} type: ${edge(STATES.type)}`;
    case 'ERROR':
      return `error ${text('errorCode')} ${alirtcd?.reason}`;
    case 'WARNING':
      return `warning ${alirtcd?.reason}`;
    case 'ROLE_UPDATE':
      return `role ${text('oldRole')}>${text('newRole')}`;
    case 'AUDIO_BUFFER_FULL':
      return `audio full ${String(fields['success'])}`;
    case 'VIDEO_BUFFER_FULL':
      return `video full ${String(fields['success'])}`;
    default:
      return `${name} ${JSON.stringify(fields)}`;
  }
}
