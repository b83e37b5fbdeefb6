import assert from 'node:assert/strict';
import { pino } from 'pino';
import { AlirtcError } from '../../../common/errors.js';
import { encodeToken, tokenHash } from '../../../common/token/alirtc_token.js';
import { RolePermission } from '../../../daemon/engine/role_permission.js';
import type { PermissionUpdate } from '../../../daemon/engine/room_service.js';
import { exchangeToken } from '../../../daemon/engine/token_exchange.js';
import type { ExchangeRequest } from '../../../daemon/engine/token_exchange.js';
import { ClientRole } from '../../../gen/alirtc/v1/types.js';

const KEYS = new Map([['app', 'a-key-of-the-tests']]);
const CLUSTER = { urls: ['ws://10.0.0.1:7880', 'ws://10.0.0.2:7880'], embedded: false };
const NOW_S = 1_700_000_000;

function request(role: 'interactive' | 'live', more: Partial<ExchangeRequest> = {}): ExchangeRequest {
  const auth = { appId: 'app', channel: 'room', userId: 'anna', nonce: '', timestamp: NOW_S + 600 };
  const token = encodeToken(auth, tokenHash(auth, 'a-key-of-the-tests'));
  const credential = { kind: 'token', token } as const;
  return { credential, channel: 'room', userId: 'anna', userName: '', role, profile: 1, ...more };
}

interface Made {
  permission: RolePermission;
  updates: PermissionUpdate[];
  fail: { text?: string };
}

function make(servers = CLUSTER): Made {
  const updates: PermissionUpdate[] = [];
  const fail: { text?: string } = {};
  const permission = new RolePermission({
    keys: KEYS,
    channelServers: () => servers,
    logger: pino({ level: 'silent' }),
    updatePermission: (update) => {
      updates.push(update);
      return fail.text === undefined ? Promise.resolve() : Promise.reject(new Error(fail.text));
    },
  });
  return { permission, updates, fail };
}

const roleChanged = (newRole: ClientRole) =>
  ({ $case: 'onUpdateRoleNotify', value: { oldRole: ClientRole.UNSPECIFIED, newRole } }) as const;
const joined = {
  $case: 'onJoinChannelResult',
  value: { result: 0, channel: 'room', userId: 'anna', text: '' },
} as const;

async function grantsOf(role: 'interactive' | 'live', embedded: boolean): Promise<Record<string, unknown>> {
  const options = { keys: KEYS, channelServers: { ...CLUSTER, embedded }, foreignCore: false, nowSeconds: NOW_S };
  const ticket = await exchangeToken(request(role), options);
  const claims = JSON.parse(Buffer.from(ticket?.token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
  return { ...(claims['video'] as Record<string, unknown>), attributes: claims['attributes'] };
}

describe('the token that an AliRTC token is exchanged for', () => {
  const own = { roomJoin: true, room: 'room', canSubscribe: true, canUpdateOwnMetadata: true };
  const may = { canPublish: true, canPublishData: true };
  const mayNot = { canPublish: false, canPublishData: false };
  const role = (name: string) => ({ attributes: { 'alirtc.role': name, 'alirtc.profile': '1' } });

  it('gives a streamer its own room, tracks and data, and nothing more', async () => {
    assert.deepEqual(await grantsOf('interactive', false), { ...own, ...may, ...role('interactive') });
  });
  it('gives audience neither tracks nor data', async () => {
    assert.deepEqual(await grantsOf('live', false), { ...own, ...mayNot, ...role('live') });
  });
  it('lets audience of the embedded server publish later: it has no room service', async () => {
    assert.deepEqual(await grantsOf('live', true), { ...own, ...may, ...role('live') });
  });
});

describe('the permission that goes with a role', () => {
  it('is asked of the server before audience becomes a streamer, and given back behind the way back', async () => {
    const { permission, updates } = make();
    permission.joins(request('live'));
    permission.onEvent(joined, ClientRole.LIVE);
    await permission.allow();
    const who = { urls: CLUSTER.urls, apiKey: 'app', apiSecret: 'a-key-of-the-tests', room: 'room', identity: 'anna' };
    assert.deepEqual(updates, [{ ...who, mayPublish: true }]);
    await permission.allow();
    assert.equal(updates.length, 1, 'asked for what it has');
    permission.onEvent(roleChanged(ClientRole.LIVE), ClientRole.LIVE);
    await permission.allow();
    assert.deepEqual(
      updates.map(({ mayPublish }) => mayPublish),
      [true, false, true],
    );
  });

  it('is asked for at the join when the role was set after the token was made', async () => {
    const { permission, updates } = make();
    permission.joins(request('live'));
    permission.onEvent(joined, ClientRole.INTERACTIVE);
    await permission.allow();
    assert.deepEqual(
      updates.map(({ mayPublish }) => mayPublish),
      [true],
    );
  });

  it('needs nobody for a streamer, for a LiveKit token, in the communication profile, and at the embedded server', async () => {
    const streamer = make();
    streamer.permission.joins(request('interactive'));
    const foreign = make();
    foreign.permission.joins(request('live', { credential: { kind: 'token', token: 'a.b.c' } }));
    const communication = make();
    communication.permission.joins(request('live', { profile: 0 }));
    const embedded = make({ ...CLUSTER, embedded: true });
    embedded.permission.joins(request('live'));
    for (const { permission, updates } of [streamer, foreign, communication, embedded]) {
      permission.onEvent(joined, ClientRole.INTERACTIVE);
      await permission.allow();
      assert.deepEqual(updates, []);
    }
  });

  it('that the server does not give fails the call, and may be asked for again', async () => {
    const { permission, updates, fail } = make();
    permission.joins(request('live'));
    fail.text = '10.0.0.2:7880: permission denied';
    await assert.rejects(permission.allow(), (error) => {
      assert.ok(error instanceof AlirtcError);
      assert.deepEqual([error.class, error.reason, error.field], ['unavailable', 'ROLE_NOT_TAKEN', 'client_role']);
      assert.match(error.message, /permission denied/);
      return true;
    });
    delete fail.text;
    await permission.allow();
    assert.equal(updates.length, 2);
  });
});
