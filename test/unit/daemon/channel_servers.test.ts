import assert from 'node:assert/strict';
import { AlirtcError } from '../../../common/errors.js';
import { ChannelServerChoice } from '../../../daemon/engine/channel_servers.js';
import { placeOf } from '../../../daemon/engine/token_exchange.js';

const NODES = ['ws://10.0.0.1:7880', 'ws://10.0.0.2:7880'];

function choice(urls: readonly string[] = NODES, embedded = false): ChannelServerChoice {
  return new ChannelServerChoice({
    usual: () => ({ urls, embedded }),
    allowed: ['wss://rtc.example/', 'ws://127.0.0.1:1'],
  });
}

describe('the channel server of an engine', () => {
  it("is the daemon's when its client names none, looked up at every use", () => {
    let urls = ['ws://127.0.0.1:5000'];
    const moving = new ChannelServerChoice({ usual: () => ({ urls, embedded: true }), allowed: [] }).of('');
    assert.deepEqual(moving(), { urls: ['ws://127.0.0.1:5000'], embedded: true });
    urls = ['ws://127.0.0.1:5001'];
    assert.deepEqual(moving(), { urls: ['ws://127.0.0.1:5001'], embedded: true });
  });

  it('is one that the operator allows, however it is written', () => {
    for (const wanted of ['wss://rtc.example', 'wss://RTC.example:443/'])
      assert.deepEqual(choice().of(wanted)(), { urls: ['wss://rtc.example/'], embedded: false });
  });

  it('is the named node of the cluster first, and then the others', () => {
    assert.deepEqual(choice().of('ws://10.0.0.2:7880')().urls, ['ws://10.0.0.2:7880', 'ws://10.0.0.1:7880']);
    assert.equal(choice(['ws://127.0.0.1:2'], true).of('ws://127.0.0.1:2')().embedded, true);
  });

  for (const wanted of [
    'ws://elsewhere.example',
    'wss://rtc.example:444',
    'ws://rtc.example',
    'no url',
    'ws://u:secret@x/?k=1',
  ])
    it(`is refused when it is ${wanted.replace(/u:.*/, 'a place with a password')}`, () => {
      assert.throws(
        () => choice().of(wanted),
        (error) => {
          assert.ok(error instanceof AlirtcError);
          assert.deepEqual(
            [error.class, error.reason, error.field],
            ['invalid_argument', 'CHANNEL_SERVER_NOT_ALLOWED', 'channel_server_url'],
          );
          assert.doesNotMatch(`${error.message} ${error.value}`, /secret/);
          return true;
        },
      );
    });

  it('goes over the IPC as one url and all of them', () => {
    assert.deepEqual(placeOf(NODES), { url: NODES[0], urls: NODES });
    assert.deepEqual(placeOf(['ws://a']), { url: 'ws://a' });
    assert.equal(placeOf([]), undefined);
  });
});
