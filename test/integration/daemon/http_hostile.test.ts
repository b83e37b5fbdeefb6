import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { descriptorsOf } from '../bad_input/footprint.js';
import { eventually } from '../../support/eventually.js';
import { HttpScene } from './http_scene.js';
import { Scene } from './scene.js';

describe('bad input at the HTTP port', function () {
  this.timeout(60_000);
  let scene: Scene;
  let http: HttpScene;
  before(async () => {
    scene = await Scene.start({ flags: ['--http-listen', '127.0.0.1:0'] });
    http = new HttpScene(scene.daemon);
  });
  after(() => scene.close());
  afterEach(async () => assert.equal((await http.ask('/api/v1/node')).status, 200, 'the daemon does not answer'));

  /** Everything that comes back until the connection is closed. */
  const exchange = async (bytes: string | Buffer): Promise<string> => {
    const socket = await http.socket();
    socket.write(bytes);
    return received(socket);
  };
  const head = `host: 127.0.0.1\r\nconnection: close\r\n\r\n`;

  it('addresses that are absurd get a refusal', async () => {
    const rows: [string, number][] = [
      [`/${'a'.repeat(3000)}`, 414],
      [`/api/v1/node?${'a=b&'.repeat(1000)}`, 414],
      ['http://evil.example/', 400],
      ['*', 400],
      ['//', 404],
      ['/%', 404],
      ['/api/v1/engines/%00', 404],
      ['/api/v1/engines/' + '../'.repeat(50), 404],
      ['/?__proto__=1', 200],
      ['/api/v1/engines/__proto__', 404],
      ['/assets/constructor', 404],
    ];
    for (const [path, status] of rows) {
      const answer = await exchange(`GET ${path} HTTP/1.1\r\n${head}`);
      assert.equal(Number(answer.split(' ')[1]), status, `${path.slice(0, 40)}: ${answer.slice(0, 80)}`);
    }
  });

  it('headers that are too large or too many, and what is no HTTP, end the connection', async () => {
    const huge = await exchange(`GET / HTTP/1.1\r\nx-large: ${'a'.repeat(20_000)}\r\n${head}`);
    assert.match(huge, /^HTTP\/1\.1 431 /);
    for (const bytes of [
      '\x16\x03\x01\x02\x00',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'GET /\r\n\r\n',
      '\0'.repeat(5000),
    ])
      assert.match(await exchange(bytes), /^(HTTP\/1\.1 4\d\d |$)/);
    const twoLengths = `POST /api/v1/tokens HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n${head}`;
    assert.match(await exchange(twoLengths), /^HTTP\/1\.1 400 /);
    const smuggled = `POST /api/v1/tokens HTTP/1.1\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n${head}`;
    assert.match(await exchange(smuggled), /^HTTP\/1\.1 400 /);
  });

  it('methods that it does not have, upgrades and tunnels are refused', async () => {
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'])
      assert.match(await exchange(`${method} /api/v1/node HTTP/1.1\r\n${head}`), /^HTTP\/1\.1 40[05] /, method);
    assert.doesNotMatch(await exchange(`CONNECT evil.example:80 HTTP/1.1\r\n${head}`), / 200 /);
    const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\nhost: 127.0.0.1\r\n\r\n';
    assert.doesNotMatch(await exchange(`GET / HTTP/1.1\r\n${upgrade}`), / 101 /);
  });

  it('who sends a request byte by byte is cut off, while others are served', async () => {
    const began = performance.now();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => http.socket()));
    const timers = sockets.map((socket) => {
      socket.write('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ');
      return setInterval(() => socket.write('a'), 500);
    });
    try {
      await Promise.all(sockets.map(received));
    } finally {
      timers.forEach(clearInterval);
    }
    const seconds = (performance.now() - began) / 1000;
    assert.ok(seconds < 25, `${seconds} s`);
  });

  it('connections without a request are bounded, and nothing of them stays', async () => {
    const before = descriptorsOf(scene.daemon.ready.pid);
    const sockets = await Promise.all(Array.from({ length: 400 }, () => http.socket()));
    await eventually(() => {
      const held = descriptorsOf(scene.daemon.ready.pid) - before;
      return held <= 256 ? undefined : `${held} connections are held`;
    });
    sockets.forEach((socket) => socket.destroy());
    await eventually(() => {
      const held = descriptorsOf(scene.daemon.ready.pid) - before;
      return held <= 4 ? undefined : `${held} descriptors more than before`;
    });
  });
});

function received(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => (text += chunk));
  return new Promise((resolve) => socket.once('close', () => resolve(text)));
}
