import assert from 'node:assert/strict';
import { AlirtcError } from '../../../common/errors.js';
import { parseHttpAddress } from '../../../daemon/http/http_address.js';
import { checkHost, hostName, parseTarget } from '../../../daemon/http/request_checks.js';
import { findRoute, matchPath } from '../../../daemon/http/routes.js';
import type { Route } from '../../../daemon/http/routes.js';
import { contentSecurityPolicy } from '../../../daemon/http/security_headers.js';

const handle = (): void => undefined;
const ROUTES: Route[] = [
  { method: 'GET', path: '/', handle },
  { method: 'GET', path: '/engines/:id', handle },
  { method: 'DELETE', path: '/engines/:id', handle },
  { method: 'GET', path: '/files/*', handle },
];

const reason = (expected: string) => (error: unknown) => error instanceof AlirtcError && error.reason === expected;

describe('the HTTP side: from a request to its route', () => {
  it('paths match by segments, and names are decoded', () => {
    assert.deepEqual(matchPath('/engines/:id', '/engines/a%20b'), { id: 'a b' });
    assert.deepEqual(matchPath('/files/*', '/files/a/b'), { '*': 'a/b' });
    for (const path of ['/engines', '/engines/', '/engines/a/b', '/engines/%ff', 'engines/a'])
      assert.equal(matchPath('/engines/:id', path), undefined, path);
  });

  it('a path without a route is not found, one without the method says which there are', () => {
    assert.equal(findRoute(ROUTES, 'HEAD', '/').route.path, '/');
    assert.deepEqual(findRoute(ROUTES, 'DELETE', '/engines/x').params, { id: 'x' });
    assert.throws(() => findRoute(ROUTES, 'GET', '/nothing'), reason('NO_SUCH_PAGE'));
    assert.throws(() => findRoute(ROUTES, 'POST', '/engines/x'), /GET, DELETE only/);
  });

  it('host names are read without port, brackets and case', () => {
    const rows: [string, string | undefined][] = [
      ['LocalHost:7421', 'localhost'],
      ['[::1]:80', '::1'],
      ['127.0.0.1', '127.0.0.1'],
      ['a b', undefined],
      ['a@b', undefined],
      ['x:123456', undefined],
      ['', undefined],
    ];
    for (const [host, name] of rows) assert.equal(hostName(host), name, host);
    const allowed = new Set(['localhost']);
    checkHost('localhost:1', allowed);
    for (const host of ['localhost.evil', 'evil', undefined])
      assert.throws(() => checkHost(host, allowed), reason('WRONG_HOST'));
  });

  it('addresses have a path and a query, of printable ASCII, within a length', () => {
    const { path, query } = parseTarget('/a/b?x=1&x=2');
    assert.deepEqual([path, query.getAll('x')], ['/a/b', ['1', '2']]);
    for (const target of ['http://x/', '*', '', '/a b', '/ä'])
      assert.throws(() => parseTarget(target), reason('BAD_URL'));
    assert.throws(() => parseTarget(`/${'a'.repeat(2048)}`), reason('URL_TOO_LONG'));
  });

  it('listening addresses are host:port', () => {
    assert.deepEqual(parseHttpAddress('[::1]:80'), { host: '::1', port: 80 });
    for (const text of ['80', 'host', ':80', 'a:b', '1.2.3.4:70000', '::1:80'])
      assert.throws(() => parseHttpAddress(text), /has to be host:port/, text);
  });

  it('a page may speak with the daemon and the channel servers of its engines alone', () => {
    assert.match(
      contentSecurityPolicy(['wss://rtc.example:443/x', 'ws://127.0.0.1:7880', 'wss://rtc.example']),
      /connect-src 'self' wss:\/\/rtc\.example https:\/\/rtc\.example ws:\/\/127\.0\.0\.1:7880 http:\/\/127\.0\.0\.1:7880;/,
    );
    assert.match(contentSecurityPolicy([]), /connect-src 'self';/);
    assert.match(contentSecurityPolicy(["ws://x'; script-src *"]), /connect-src 'self';/);
  });
});
