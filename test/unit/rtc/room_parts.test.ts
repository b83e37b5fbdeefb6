import assert from 'node:assert/strict';
import { DisconnectReason, LeaveRequest, LeaveRequest_Action } from '@livekit/protocol';
import { RoomConnectError } from '../../../coreservice/rtc/connect_error.js';
import { endCauseOf, mayComeBack } from '../../../coreservice/rtc/room/leave_reasons.js';
import { Rejoiner } from '../../../coreservice/rtc/room/rejoiner.js';
import { RequestTable } from '../../../coreservice/rtc/session/request_table.js';
import { RequestResponse, RequestResponse_Reason } from '@livekit/protocol';

describe('coming back', () => {
  it('tries until it works', async () => {
    let attempts = 0;
    const done = new Promise<void>((resolve) => {
      const rejoiner = new Rejoiner({
        limitMs: 60_000,
        random: () => 0,
        attempt: () => {
          attempts += 1;
          if (attempts < 3) return Promise.reject(new RoomConnectError('refused', 'nobody there'));
          resolve();
          return Promise.resolve();
        },
        giveUp: () => assert.fail('gave up'),
      });
      rejoiner.start('lost');
    });
    await done;
    assert.equal(attempts, 3);
  });

  it('gives up when the limit has passed, with the last reason', async () => {
    let now = 0;
    const detail = await new Promise<string>((resolve) => {
      const rejoiner = new Rejoiner({
        limitMs: 1000,
        nowMs: () => now,
        random: () => 0,
        attempt: (timeoutMs) => {
          assert.ok(timeoutMs <= 1000);
          now += 600;
          return Promise.reject(new RoomConnectError('timeout', `attempt at ${now}`));
        },
        giveUp: resolve,
      });
      rejoiner.start('lost');
    });
    assert.equal(detail, 'attempt at 1200');
  });

  it('gives up at once when coming back has not helped since longer than the limit', async () => {
    const detail = await new Promise<string>((resolve) => {
      const rejoiner = new Rejoiner({
        limitMs: 1000,
        nowMs: () => 5000,
        attempt: () => Promise.reject(new Error('there is no time for an attempt')),
        giveUp: resolve,
      });
      rejoiner.start('no media', 4000);
    });
    assert.equal(detail, 'no media');
  });

  it('gives up at once when the token is refused', async () => {
    let attempts = 0;
    const detail = await new Promise<string>((resolve) => {
      const rejoiner = new Rejoiner({
        limitMs: 60_000,
        attempt: () => {
          attempts += 1;
          return Promise.reject(new RoomConnectError('unauthorized', 'expired'));
        },
        giveUp: resolve,
      });
      rejoiner.start('lost');
    });
    assert.deepEqual([attempts, detail], [1, 'expired']);
  });

  it('does nothing more after it is closed', async () => {
    let attempts = 0;
    const attempt = new Promise<void>((resolve) => {
      const rejoiner = new Rejoiner({
        limitMs: 60_000,
        random: () => 0,
        attempt: () => {
          attempts += 1;
          rejoiner.close();
          setImmediate(resolve);
          return Promise.reject(new Error('no'));
        },
        giveUp: () => assert.fail('gave up'),
      });
      rejoiner.start('lost');
    });
    await attempt;
    assert.equal(attempts, 1);
  });
});

describe("a server's Leave", () => {
  const { RECONNECT, RESUME, DISCONNECT } = LeaveRequest_Action;
  const rows: [DisconnectReason, LeaveRequest_Action, boolean, string][] = [
    [DisconnectReason.DUPLICATE_IDENTITY, DISCONNECT, false, 'duplicate_identity'],
    [DisconnectReason.DUPLICATE_IDENTITY, RECONNECT, false, 'duplicate_identity'],
    [DisconnectReason.PARTICIPANT_REMOVED, DISCONNECT, false, 'participant_removed'],
    [DisconnectReason.ROOM_DELETED, DISCONNECT, false, 'room_closed'],
    [DisconnectReason.ROOM_CLOSED, DISCONNECT, false, 'room_closed'],
    [DisconnectReason.SERVER_SHUTDOWN, DISCONNECT, true, 'server_shutdown'],
    [DisconnectReason.STATE_MISMATCH, RECONNECT, true, 'connection_lost'],
    [DisconnectReason.UNKNOWN_REASON, RESUME, true, 'connection_lost'],
    [DisconnectReason.UNKNOWN_REASON, DISCONNECT, false, 'connection_lost'],
    [DisconnectReason.JOIN_FAILURE, DISCONNECT, false, 'join_failed'],
  ];
  for (const [reason, action, comesBack, cause] of rows)
    it(`with ${DisconnectReason[reason]} and ${LeaveRequest_Action[action]} ${comesBack ? 'lets us come back' : 'is the end'}: ${cause}`, () => {
      const request = new LeaveRequest({ reason, action });
      assert.equal(mayComeBack(request), comesBack);
      assert.equal(endCauseOf(request).cause, cause);
    });
});

describe('requests to the server', () => {
  it('are confirmed by their number or by an update that shows their effect', async () => {
    const table = new RequestTable();
    const ids: number[] = [];
    const send = (id: number): void => void ids.push(id);
    const byNumber = table.request(1000, { a: '1' }, send);
    const byEffect = table.request(1000, { b: '', c: '2' }, send);
    table.onResponse(new RequestResponse({ requestId: ids[0] ?? 0, reason: RequestResponse_Reason.OK }));
    table.confirm({ c: '1' });
    table.confirm({ c: '2', d: 'other' });
    await Promise.all([byNumber, byEffect]);
  });

  it("reject with the server's text, at their deadline, and with the connection", async () => {
    const table = new RequestTable();
    let id = 0;
    const refused = table.request(1000, { a: '1' }, (n) => (id = n));
    const reason = RequestResponse_Reason.NOT_ALLOWED;
    table.onResponse(new RequestResponse({ requestId: id, reason: RequestResponse_Reason.QUEUED }));
    table.onResponse(new RequestResponse({ requestId: id, reason, message: 'no permission' }));
    await assert.rejects(refused, /no permission/);
    await assert.rejects(
      table.request(1, { a: '1' }, () => undefined),
      /did not take the attributes in 1 ms/,
    );
    const open = table.request(1000, { a: '1' }, () => undefined);
    table.close();
    await assert.rejects(open, /connection is gone/);
  });
});
