import assert from 'node:assert/strict';
import { AlirtcStatusError, defaultAddress, grpcTarget } from '../../../client/index.js';

describe('Addresses of a daemon', () => {
  const targets: [string, string][] = [
    ['unix:/run/alirtcd.sock', 'unix:/run/alirtcd.sock'],
    ['unix:///run/alirtcd.sock', 'unix:/run/alirtcd.sock'],
    ['127.0.0.1:7000', '127.0.0.1:7000'],
    ['tcp:localhost:7000', 'localhost:7000'],
    ['tcp://localhost:7000', 'localhost:7000'],
    ['[::1]:7000', '[::1]:7000'],
  ];
  for (const [address, target] of targets)
    it(`"${address}" is the target "${target}"`, () => assert.equal(grpcTarget(address), target));

  for (const address of ['', 'unix:', 'localhost', ':80', 'host:0', 'host:65536', 'http://host:80', 'a b:1', '::1:80'])
    it(`"${address}" is refused with what to write instead`, () => {
      assert.throws(
        () => grpcTarget(address),
        (error) => error instanceof AlirtcStatusError && error.field === 'address' && /unix:/.test(error.remedy ?? ''),
      );
    });

  it('takes the environment before the default socket', () => {
    assert.equal(defaultAddress({ ALIRTCD_ADDRESS: '127.0.0.1:1', XDG_RUNTIME_DIR: '/run/user/7' }), '127.0.0.1:1');
    assert.equal(defaultAddress({ XDG_RUNTIME_DIR: '/run/user/7' }), 'unix:/run/user/7/alirtcd.sock');
    assert.equal(defaultAddress({ XDG_STATE_HOME: '/state' }), 'unix:/state/alirtcd/alirtcd.sock');
    assert.equal(defaultAddress({ HOME: '/home/x' }), 'unix:/home/x/.local/state/alirtcd/alirtcd.sock');
  });
});
