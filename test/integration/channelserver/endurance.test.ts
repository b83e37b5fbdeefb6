import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync } from 'node:fs';
import { SessionDescription } from '@livekit/protocol';
import { eventually } from '../../support/eventually.js';
import { MediaClient } from './media_client.js';
import { RunningServer, tokenFor } from './running_server.js';
import { SignalClient } from './signal_client.js';

const descriptors = (server: RunningServer): number => readdirSync(`/proc/${server.child.pid}/fd`).length;

describe('The channel server after much coming and going', function () {
  this.timeout(60_000);

  it('has no socket more than before, whenever a participant left', async () => {
    await using server = await RunningServer.start();
    {
      await using first = await MediaClient.join(server.url, await tokenFor('warm', 'first'), ['vp8']);
      await first.publishAudio();
    }
    await eventually(() => (descriptors(server) > 0 ? undefined : 'no descriptors'));
    const stay = await SignalClient.join(server.url, await tokenFor('stay', 'stay'));
    await stay.waitFor('offer');
    await settled(server);
    const before = descriptors(server);
    for (let round = 0; round < 3; round++) {
      const token = (identity: string): Promise<string> => tokenFor('churn', identity);
      await Promise.all([
        // At once, after the offer, and after sound went both ways.
        SignalClient.join(server.url, await token('early')).then((client) => client[Symbol.asyncDispose]()),
        (async () => {
          await using client = await SignalClient.join(server.url, await token('offered'));
          await client.waitFor('offer');
        })(),
        (async () => {
          await using speaker = await MediaClient.join(server.url, await token('speaker'), ['vp8']);
          await using listener = await MediaClient.join(server.url, await token('listener'), ['vp8']);
          const audio = await speaker.publishAudio();
          let sequence = 0;
          const timer = setInterval(() => audio.send(sequence++), 20);
          await eventually(() => (listener.received(audio.sid).packets > 2 ? undefined : 'no sound')).finally(() =>
            clearInterval(timer),
          );
        })(),
      ]);
    }
    await eventually(() => (descriptors(server) <= before ? undefined : `${descriptors(server)} for ${before}`));
    await stay[Symbol.asyncDispose]();
    assert.equal(await server.end(), 0);
  });

  it('still serves when garbage came to its media ports and in its offers', async () => {
    await using server = await RunningServer.start();
    await using alice = await SignalClient.join(server.url, await tokenFor('noise', 'alice'));
    const offer = await alice.waitFor('offer');
    const port = Number(/127\.0\.0\.1 (\d+) typ host/.exec(offer.sdp)?.[1]);
    const socket = createSocket('udp4');
    const kinds = [
      Buffer.alloc(0),
      Buffer.alloc(1),
      Buffer.alloc(200, 22),
      Buffer.alloc(200, 0x80),
      Buffer.alloc(1400, 1),
    ];
    for (let i = 0; i < 200; i++) {
      const noise = kinds[i % kinds.length] ?? Buffer.alloc(0);
      await new Promise((resolve) => socket.send(noise, port, '127.0.0.1', resolve));
    }
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    for (const sdp of nonsense(offer.sdp)) {
      await using vandal = await SignalClient.join(server.url, await tokenFor('noise', 'vandal'));
      vandal.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp }) });
      vandal.send({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp, id: 1 }) });
      vandal.send({ case: 'ping', value: 1n });
      await eventually(() =>
        vandal.closed !== undefined || vandal.messages.some((message) => message.case === 'pong')
          ? undefined
          : 'neither closed nor answered',
      );
    }
    await using bob = await MediaClient.join(server.url, await tokenFor('noise', 'bob'), ['vp8']);
    await bob.publishAudio();
    assert.equal(server.child.exitCode, null);
    assert.ok(!server.stderrLines.some((line) => line.includes('uncaught exception')));
  });

  it('says nothing of tokens and keys in its log', async () => {
    await using server = await RunningServer.start();
    const token = await tokenFor('quiet', 'alice');
    {
      await using client = await SignalClient.join(server.url, token);
      await client.waitFor('offer');
    }
    await assert.rejects(SignalClient.open(server.url, `${token}x`));
    await server.end();
    const log = server.stderrLines.join('\n');
    assert.ok(log.includes('a join was refused'));
    assert.ok(!log.includes(token.slice(-20)));
  });
});

/** Until no descriptor comes or goes for a moment. */
async function settled(server: RunningServer): Promise<void> {
  let last = -1;
  let since = performance.now();
  await eventually(() => {
    const now = descriptors(server);
    if (now !== last) since = performance.now();
    last = now;
    return performance.now() - since > 300 ? undefined : `${now} descriptors`;
  });
}

/** Our own offer, bent in ways that a parser may stumble over. */
function nonsense(sdp: string): string[] {
  return [
    sdp.replace(/a=fingerprint.*\r\n/g, ''),
    sdp.replace(/a=ice-ufrag.*\r\n/g, ''),
    sdp.replace(/sha-256 .*\r\n/g, 'sha-256 xx\r\n'),
    sdp.replace(/a=candidate:.*\r\n/g, 'a=candidate:1 1 udp x y z\r\n'),
    sdp.replace(/m=application.*\r\n/g, 'm=video 9 UDP/TLS/RTP/SAVPF 300 -1 x\r\n'),
    sdp.replace(/a=sctp-port:5000/g, 'a=sctp-port:banana'),
    sdp.replace(/a=mid:0/g, 'a=mid:'),
    'v=0\r\n',
    readFileSync(new URL(import.meta.url)).toString('utf8'),
  ];
}
