import { tryEmbedded } from './embedded_server.js';
import type { EmbeddedFacts } from './embedded_server.js';
import { failure, info, ok, warning } from './check.js';
import type { Check, Finding } from './check.js';
import type { ServerProbe } from './channel_server_probe.js';

export const channelServers: Check = {
  name: 'channel server',
  run: async ({ config, servers }) => {
    if (config['channel-server-url'].length === 0) return judgeEmbedded(await tryEmbedded(config));
    return (await servers()).flatMap(judgeServer);
  },
};

const NAME_CODES = ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA'];
const REACH_CODES = ['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'];
const HTTP_CODES = ['ECONNRESET', 'HPE_INVALID_CONSTANT', 'EPIPE'];
/** Beyond it tokens are refused for their time. */
const SKEW_MS = 5_000;

export function judgeEmbedded({ file, error, readyMs, probe }: EmbeddedFacts): Finding[] {
  if (probe?.status === 200) return [ok(`embedded: ready in ${readyMs} ms, answers, and takes the daemon's key`)];
  const text = error ?? probe?.error?.text ?? `it answers ${probe?.status}`;
  return [
    failure(
      `embedded: ${text}`,
      `install the package again, and see that its user may execute ${file}; or name a LiveKit server with channel-server-url`,
    ),
  ];
}

export function judgeServer(probe: ServerProbe): Finding[] {
  const { url, status, error } = probe;
  if (error !== undefined) return [unreachable(url, error)];
  if (status === 200)
    return [
      probe.hasKey
        ? ok(`${url}: answers as LiveKit does, and takes our key`)
        : warning(
            `${url}: answers, but to a key that nobody has: is it a LiveKit server?`,
            'correct channel-server-url',
          ),
    ];
  const said = `${status} ${(probe.text ?? '').trim().slice(0, 200)}`.trim();
  if (status === 401 && !probe.hasKey)
    return [info(`${url}: answers as LiveKit does; without keys it was not tried whether it takes our key`)];
  if (status === 401) return [refused(probe, said)];
  if (status === 404 && /room does not exist/.test(said))
    return [ok(`${url}: answers as LiveKit does, takes our key, and makes no rooms by itself (auto_create is off)`)];
  return [
    failure(
      `${url}: answers /rtc/validate with ${said}: not as a LiveKit server`,
      'correct channel-server-url, or the proxy in front of the server',
    ),
  ];
}

function refused({ url, skewMs = 0 }: ServerProbe, said: string): Finding {
  if (Math.abs(skewMs) > SKEW_MS)
    return failure(
      `${url}: refuses our token (${said}); its clock is ${Math.round(skewMs / 1000)} s ahead of ours`,
      'correct the clock first: tokens are valid for a time',
    );
  return failure(
    `${url}: refuses our key (${said})`,
    'the first app id and key of the file keys have to be the API key and secret of the LiveKit server',
  );
}

function unreachable(url: string, { code, text }: { code: string; text: string }): Finding {
  if (NAME_CODES.includes(code))
    return failure(`${url}: its name has no address (${text})`, 'correct the name, or DNS');
  if (REACH_CODES.includes(code))
    return failure(
      `${url}: cannot be reached (${text})`,
      'see whether the server runs, on that port, and whether a firewall lets this machine through',
    );
  if (HTTP_CODES.includes(code) || code.startsWith('HPE_'))
    return failure(
      `${url}: something listens, but does not speak HTTP (${text})`,
      'correct host, port, or ws:// for wss://',
    );
  if (url.startsWith('wss:'))
    return failure(
      `${url}: TLS fails (${text})`,
      'renew the certificate of the server; of an authority of your own, name it with NODE_EXTRA_CA_CERTS for the daemon',
    );
  return failure(`${url}: ${text}`, 'correct channel-server-url');
}
