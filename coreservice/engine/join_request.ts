import * as z from 'zod';
import { AlirtcError } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import { encodeToken } from '../../common/token/alirtc_token.js';
import type { Command, JoinConfigFields } from '../ipc/commands.js';
import {
  AudioFormat,
  ChannelProfile,
  PublishAvsyncMode,
  PublishMode,
  SubscribeMode,
  VideoFormat,
} from '../ipc/enums.js';
import type { ChannelTicket } from './token_exchange.js';

export type JoinCommand = Extract<Command, { name: 'JOIN_CHANNEL' | 'JOIN_CHANNEL_V2' | 'JOIN_CHANNEL_V3' }>;

export interface JoinRequest {
  channel: string;
  userId: string;
  userName: string;
  /** A single-parameter AliRTC token, or a LiveKit token. Never logged. */
  token: string;
  config: JoinConfigFields;
  /** The daemon's ticket: where to join with which LiveKit token. */
  ticket: ChannelTicket | undefined;
}

const MAX_NAME_BYTES = 64;
const ID = /^[A-Za-z0-9_-]{1,64}$/;

function member(values: Readonly<Record<string, number>>, byDefault: number): z.ZodType<number> {
  const allowed = new Set(Object.values(values));
  return z
    .number()
    .int()
    .refine((value) => allowed.has(value), { error: 'is not a member of its enumeration' })
    .default(byDefault);
}

/** Defaults of types.md, JoinChannelConfig. */
const Config = z.object({
  isAudioOnly: z.boolean().default(false),
  channelProfile: member(ChannelProfile, ChannelProfile.InteractiveLive),
  publishMode: member(PublishMode, PublishMode.Manually),
  subscribeMode: member(SubscribeMode, SubscribeMode.Manually),
  publishAvsyncMode: member(PublishAvsyncMode, PublishAvsyncMode.NoDelay),
  publishAvsyncWithPtsMaxAudioCacheSize: z.number().int().min(1).max(30_000).default(300),
  publishAvsyncWithPtsMaxVideoCacheSize: z.number().int().min(1).max(1000).default(100),
  subscribeVideoFormat: member(VideoFormat, VideoFormat.H264),
  subscribeAudioFormat: member(AudioFormat, AudioFormat.MixedPcm),
  ttsVad: z.boolean().default(false),
});

const AuthInfo = z.object({
  channel: z.string(),
  userid: z.string(),
  username: z.string().default(''),
  appid: z.string(),
  nonce: z.string().default(''),
  token: z.string(),
  timestamp: z.number().int(),
});

const Ticket = z.object({
  url: z.string().min(1),
  urls: z.array(z.string().min(1)).optional(),
  token: z.string().min(1),
});

/** Reads any of the three join commands. Throws ERR_JOIN_BAD_PARAM or ERR_JOIN_CONFIG_INVALID with the field at fault. */
export function parseJoin(command: JoinCommand): JoinRequest {
  const who = command.name === 'JOIN_CHANNEL' ? fromAuthInfo(command.fields.authInfo) : command.fields;
  checkId('channel', who.channel);
  checkId('userid', who.userid);
  if (Buffer.byteLength(who.username, 'utf8') > MAX_NAME_BYTES)
    throw refuse('ERR_JOIN_BAD_PARAM', 'username', `the user name is longer than ${MAX_NAME_BYTES} bytes`);
  const ticket = Ticket.safeParse(command.fields.alirtcd);
  if (who.token === '' && !ticket.success) throw refuse('ERR_JOIN_CONFIG_INVALID', 'token', 'the token is empty');
  const config = Config.safeParse(command.fields.config ?? {});
  if (!config.success) {
    const at = config.error.issues[0];
    const field = at?.path.join('.') ?? 'config';
    throw refuse('ERR_JOIN_CONFIG_INVALID', field, `config.${field}: ${at?.message ?? 'wrong'}`);
  }
  return {
    channel: who.channel,
    userId: who.userid,
    userName: who.username,
    token: who.token,
    config: config.data,
    ticket: ticket.success ? ticket.data : undefined,
  };
}

/** The channel and user of a join that is not valid otherwise: its result has to name them. */
export function namesOf(command: JoinCommand): { channel: string; userId: string } {
  if (command.name !== 'JOIN_CHANNEL') return { channel: command.fields.channel, userId: command.fields.userid };
  const auth = AuthInfo.partial().safeParse(command.fields.authInfo);
  return { channel: auth.data?.channel ?? '', userId: auth.data?.userid ?? '' };
}

function fromAuthInfo(authInfo: unknown): { channel: string; userid: string; username: string; token: string } {
  const parsed = AuthInfo.safeParse(authInfo);
  if (!parsed.success) {
    const at = parsed.error.issues[0];
    const field = `authInfo.${at?.path.join('.') ?? ''}`;
    throw refuse('ERR_JOIN_BAD_PARAM', field, `${field}: ${at?.message ?? 'wrong'}`);
  }
  const { channel, userid, username, appid, nonce, token: hash, timestamp } = parsed.data;
  // An empty hash is an empty token: the exchange must not be asked with one that only looks complete.
  const token = hash === '' ? '' : encodeToken({ appId: appid, channel, userId: userid, nonce, timestamp }, hash);
  return { channel, userid, username, token };
}

function checkId(field: string, value: string): void {
  if (!ID.test(value)) throw refuse('ERR_JOIN_BAD_PARAM', field, `${field} must be 1 to 64 of A-Z a-z 0-9 _ -`);
}

function refuse(name: 'ERR_JOIN_BAD_PARAM' | 'ERR_JOIN_CONFIG_INVALID', field: string, text: string): AlirtcError {
  return new AlirtcError('invalid_argument', text, { reason: name, number: ERROR_NUMBERS[name], field });
}
