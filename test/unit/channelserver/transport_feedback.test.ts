import assert from 'node:assert/strict';
import { TransportFeedback } from '../../../channelserver/forward/transport_feedback.js';
import { parseRtcp, serializeRtcp } from '../../../rtp/rtcp.js';

describe('Transport feedback', () => {
  it('tells arrival times from the reference on, and what is missing', () => {
    const feedback = new TransportFeedback();
    feedback.onPacket(10, 1000);
    feedback.onPacket(11, 1001);
    feedback.onPacket(13, 1010.5);
    const message = feedback.take(1, 2);
    assert.ok(message !== undefined);
    assert.equal(message.baseSequence, 10);
    assert.equal(message.referenceTime64Ms, 15);
    assert.deepEqual(message.deltas250Us, [(1000 - 960) * 4, 4, undefined, 38]);
    assert.equal(feedback.take(1, 2), undefined, 'nothing new');
  });

  it('continues where it ended: what was missing at the edge is reported when it comes', () => {
    const feedback = new TransportFeedback();
    feedback.onPacket(1, 100);
    assert.equal(feedback.take(1, 2)?.feedbackCount, 0);
    feedback.onPacket(3, 110);
    const second = feedback.take(1, 2);
    assert.equal(second?.baseSequence, 2);
    assert.equal(second.feedbackCount, 1);
    assert.equal(second.deltas250Us.length, 2);
    assert.equal(second.deltas250Us[0], undefined);
  });

  for (const start of [0, 1, 32_767, 32_768, 65_534, 65_535])
    it(`counts on over the wrap from ${start}`, () => {
      const feedback = new TransportFeedback();
      for (let i = 0; i < 5; i++) feedback.onPacket((start + i) & 0xffff, 1000 + i);
      const message = feedback.take(1, 2);
      assert.equal(message?.baseSequence, start);
      assert.deepEqual(message.deltas250Us.slice(1), [4, 4, 4, 4]);
    });

  it('takes packets in any order and ignores those that were reported as lost', () => {
    const feedback = new TransportFeedback();
    feedback.onPacket(5, 50);
    feedback.onPacket(7, 51);
    feedback.onPacket(6, 52);
    assert.deepEqual(feedback.take(1, 2)?.deltas250Us.slice(1), [8, -4]);
    feedback.onPacket(6, 60);
    assert.equal(feedback.pending, 0);
  });

  it('starts anew after a jump instead of reporting thousands of losses', () => {
    const feedback = new TransportFeedback();
    feedback.onPacket(5, 50);
    feedback.onPacket(20_000, 51);
    const message = feedback.take(1, 2);
    assert.equal(message?.baseSequence, 20_000);
    assert.equal(message.deltas250Us.length, 1);
  });

  it('bounds one message and reports the rest in the next', () => {
    const feedback = new TransportFeedback();
    for (let i = 0; i < 700; i++) feedback.onPacket(i, i);
    assert.equal(feedback.take(1, 2)?.deltas250Us.length, 500);
    assert.equal(feedback.take(1, 2)?.deltas250Us.length, 200);
  });

  it('survives the way over the wire, also after hours of uptime', () => {
    const feedback = new TransportFeedback();
    const hours = 400 * 3600 * 1000;
    feedback.onPacket(1, hours);
    feedback.onPacket(2, hours + 3);
    const message = feedback.take(7, 8);
    assert.ok(message !== undefined);
    const [parsed] = parseRtcp(serializeRtcp([message]));
    assert.equal(parsed?.kind, 'transport_cc');
    assert.deepEqual(parsed, message);
  });
});
