import type { Exchange } from './exchange.js';
import { HttpError, noSuchPage } from './errors.js';

/** One line of a table of routes. */
export interface Route {
  /** POST and DELETE change something: they need the console's header. */
  method: 'GET' | 'POST' | 'DELETE';
  /** Segments that begin with a colon match one segment; a last "*" matches the rest, also none. */
  path: string;
  /** May throw: AlirtcErrors become their status. */
  handle: (exchange: Exchange) => Promise<void> | void;
}

export interface RouteMatch {
  route: Route;
  params: Record<string, string>;
}

/** The route of a request. HEAD goes where GET goes. Throws 404, or 405 when the path has other methods. */
export function findRoute(routes: readonly Route[], method: string, path: string): RouteMatch {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const allowed = new Set<string>();
  for (const route of routes) {
    const params = matchPath(route.path, path);
    if (params === undefined) continue;
    if (route.method === wanted) return { route, params };
    allowed.add(route.method);
  }
  if (allowed.size === 0) throw noSuchPage(path);
  const list = [...allowed].join(', ');
  throw new HttpError(405, 'METHOD_NOT_ALLOWED', `this takes ${list} only`, `use ${list}`);
}

/** The values of the named segments; undefined: it does not match. */
export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    if (segment === '*') {
      params['*'] = given.slice(index).join('/');
      return params;
    }
    const value = given[index];
    if (value === undefined) return undefined;
    if (!segment.startsWith(':')) {
      if (segment !== value) return undefined;
    } else {
      const text = decode(value);
      if (text === undefined || text === '') return undefined;
      params[segment.slice(1)] = text;
    }
  }
  return given.length === wanted.length ? params : undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
