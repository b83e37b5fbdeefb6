import assert from 'node:assert/strict';
import { parseIceServers } from '../../../webrtc/ice_servers.js';

const login = { username: 'user', credential: 'secret' };
const relaysOf = (...urls: string[]): string[] =>
  parseIceServers([{ urls, ...login }]).relays.map(({ host, port, transport }) => `${transport} ${host} ${port}`);

describe('the ICE servers of a JoinResponse', () => {
  it('are read in every form of RFC 7065, UDP first', () => {
    assert.deepEqual(
      relaysOf('turns:a.example:443?transport=tcp', 'turn:b.example?transport=tcp', 'turn:[::1]:99', 'TURN:192.0.2.1'),
      ['udp ::1 99', 'udp 192.0.2.1 3478', 'tcp b.example 3478', 'tls a.example 443'],
    );
    assert.deepEqual(relaysOf('turns:c.example'), ['tls c.example 5349']);
  });

  it('are passed over when they are of no use', () => {
    const bad = [
      '',
      'turn:',
      'turn::3478',
      'turn:a:0',
      'turn:a:65536',
      'http://a',
      'turn:a?transport=sctp',
      'turn:u@a',
    ];
    assert.deepEqual(relaysOf(...bad), []);
    assert.deepEqual(parseIceServers([{ urls: ['turn:a'], username: '', credential: '' }]).relays, []);
  });

  it('are no more than can be tried', () => {
    assert.equal(relaysOf(...Array.from({ length: 40 }, (_, index) => `turn:host-${index}`)).length, 6);
  });

  it('give the first STUN server', () => {
    const urls = ['turn:a', 'stun:b.example:19302?transport=udp', 'stun:c'];
    assert.deepEqual(parseIceServers([{ urls, ...login }]).stun, { host: 'b.example', port: 19302 });
    assert.equal(parseIceServers([]).stun, undefined);
  });
});
