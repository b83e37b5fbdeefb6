/**
 * `tsx test/fuzz/capture/main.ts`: writes test/fuzz/corpus anew. A core of ours and @livekit/rtc-node meet on a channel server; everything that passes is kept as it
 * was sent, one input of each shape. Chromium gives its session descriptions.
 */
import { Socket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SignalRequest, SignalResponse } from '@livekit/protocol';
import { CORE_TO_HOST, HOST_TO_CORE, type Direction } from '../../../coreservice/ipc/direction.js';
import { encodeMessage } from '../../../coreservice/ipc/encoder.js';
import { isRtcp, parseRtp } from '../../../rtp/packet.js';
import { parseRtcp } from '../../../rtp/rtcp.js';
import { HostedCore, joinConfig } from '../../integration/core/support.js';
import { KEYS, tokenFor } from '../../integration/channelserver/running_server.js';
import { RtcPeer } from '../../support/rtc_peer/index.js';
import { packCorpus, type CorpusKind } from '../support/corpus.js';
import { startLocalServer } from '../support/local_server.js';
import { SignalProxy } from '../support/signal_proxy.js';
import { descriptionsOfChromium } from './chromium.js';

const FOLDER = fileURLToPath(new URL('../corpus/', import.meta.url));
const MOST_OF_A_SHAPE = 3;
const MOST_BYTES = 64 * 1024;

const kept = new Map<CorpusKind, Map<string, Buffer[]>>();

/** Keeps the first inputs of each shape. */
function keep(kind: CorpusKind, shape: string, input: Buffer): void {
  const shapes = kept.get(kind) ?? new Map<string, Buffer[]>();
  kept.set(kind, shapes);
  const inputs = shapes.get(shape) ?? [];
  shapes.set(shape, inputs);
  if (inputs.length < MOST_OF_A_SHAPE && input.length <= MOST_BYTES) inputs.push(Buffer.from(input));
}

function keepMedia(packet: Buffer): void {
  if (isRtcp(packet))
    return keep(
      'rtcp',
      parseRtcp(packet)
        .map((message) => message.kind)
        .join(),
      packet,
    );
  const parsed = parseRtp(packet);
  if (parsed === undefined) return;
  const { payload, payloadType, marker, extensions } = parsed;
  const size = Math.min(3, Math.floor(payload.length / 300));
  keep('rtp', `${payloadType} ${(payload[0] ?? 0) & 31} ${marker} ${extensions.size} ${size}`, packet);
}

function keepSignal(kind: 'signal_requests' | 'signal_responses', frame: Buffer): void {
  const { message } = (kind === 'signal_requests' ? SignalRequest : SignalResponse).fromBinary(frame);
  keep(kind, message.case ?? '', frame);
  if (message.case === 'offer' || message.case === 'answer') {
    const { sdp } = message.value;
    keep('sdp', `${kind} ${message.case} ${sdp.split('m=').length}`, Buffer.from(sdp));
  }
}

function keepIpc(direction: Direction, name: string, fields: object, payload: Buffer | undefined): void {
  const short = payload?.subarray(0, 2000);
  const bytes = Buffer.concat(encodeMessage(direction, name, { ...fields }, short));
  keep(direction === HOST_TO_CORE ? 'ipc_commands' : 'ipc_callbacks', name, bytes);
}

/** What comes in at the sockets of this process: the channel server's. */
function watchSockets(): void {
  const real: unknown = Reflect.get(Socket.prototype, 'emit');
  const emit = real as (...values: unknown[]) => boolean;
  const watching = function (this: Socket, event: string, ...values: unknown[]): boolean {
    const [data] = values;
    if (event === 'message' && Buffer.isBuffer(data)) keepDatagram(data);
    return Reflect.apply(emit, this, [event, ...values]);
  };
  Reflect.set(Socket.prototype, 'emit', watching);
}

/** RFC 7983: the first octet tells what it is. */
function keepDatagram(data: Buffer): void {
  const first = data[0] ?? 0;
  if (first < 4) keep('stun', `${data.readUInt16BE(0)} ${data.length}`, data);
  else if (first >= 20 && first < 64) keep('dtls', `${first} ${data[13]} ${data.length >> 6}`, data);
}

async function talk(url: string): Promise<void> {
  await using host = await HostedCore.start();
  const send = host.send.bind(host);
  host.send = (name, fields, payload): void => {
    keepIpc(HOST_TO_CORE, name, fields, payload === undefined ? undefined : Buffer.from(payload));
    send(name, fields, payload);
  };
  host.connection.on('callback', ({ name, fields, payload }) => keepIpc(CORE_TO_HOST, name, fields, payload));
  const everybody = { uid: '*', track: -1 };
  const shape = { sampleRate: 16_000, channels: 1 };
  const sound = { audio: [{ uid: '*', ...shape }], mixed: [shape], audioAac: [{ uid: '*' }], mixedAac: true };
  const alirtcd = { demand: { pictures: [everybody], encoded: [everybody], ...sound } };
  host.send('SET_PARAMETER', {
    param: JSON.stringify({ alirtcd, data: { enablePubDataChannel: true, enableSubDataChannel: true } }),
  });
  host.send('GET_SDK_VERSION', {});
  host.send('SET_EXTERNAL_VIDEO_SOURCE', { enable: true, source: 0, renderMode: 0 });
  host.send('SET_EXTERNAL_AUDIO_SOURCE', { enable: true, sampleRate: 48_000, channelsPerFrame: 1 });
  host.send('JOIN_CHANNEL_V2', {
    token: await tokenFor('capture', 'core'),
    channel: 'capture',
    userid: 'core',
    username: 'core',
    config: joinConfig({ subscribeAudioFormat: 1, subscribeVideoFormat: 1 }),
    alirtcd: { url, token: await tokenFor('capture', 'core') },
  });
  const { fields } = await host.until('JOIN_RESULT');
  if (fields.joinresult !== 0) throw new Error(`the core did not join: ${JSON.stringify(fields)}`);
  const peer = await RtcPeer.start();
  await peer.call('connect', { url, token: await tokenFor('capture', 'peer') });
  await peer.call('publish_video', { width: 320, height: 180, framesPerSecond: 15, codec: 'h264' });
  await peer.call('publish_video', {
    width: 640,
    height: 360,
    framesPerSecond: 15,
    codec: 'vp8',
    simulcast: true,
    source: 'screen',
  });
  await peer.call('publish_audio', { frequency: 440 });
  await peer.call('set_attributes', { attributes: { a: 'b' } });
  await peer.call('send_data', { payload: 'aGVsbG8=', topic: 't', reliable: true });
  const frame = {
    source: 0,
    format: 0,
    bufferType: 0,
    strideY: 0,
    strideU: 0,
    strideV: 0,
    height: 120,
    width: 160,
    rotation: 0,
  };
  for (let index = 0; index < 60; index++) {
    host.send('PUSH_VIDEO_FRAME', { ...frame, timestamp: index * 66 }, Buffer.alloc(160 * 120 * 1.5, index * 4));
    const sentence = { isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 };
    host.send('PUSH_AUDIO_FRAME', { timestamp: index * 66, ...sentence }, Buffer.alloc(6336, index));
    if (index === 20)
      host.send('SEND_MEDIA_EXTENSION_MSG', { repeatCount: 3, delay: 0, isKeyFrame: false }, Buffer.from('sei'));
    if (index === 30) host.send('SEND_DATA_CHANNEL_MSG', { networkTime: 1, progress: 2, type: 1 }, Buffer.from('data'));
    if (index === 40) host.send('MUTE_LOCAL_MIC', { mute: true });
    await delay(100);
  }
  host.send('SUBSCRIBE_REMOTE_VIDEO_STREAM', { uid: 'peer', videoTrack: 1, sub: false });
  host.send('SET_CLIENTROLE', { role: 1 });
  await peer.close();
  await delay(1500);
  host.send('LEAVE_CHANNEL', {});
  await host.until('LEAVE_RESULT');
  await host.destroy();
}

watchSockets();
const server = await startLocalServer(KEYS, (transport) => {
  transport.on('rtp', keepMedia).on('rtcp', keepMedia);
  for (const name of ['sendRtp', 'sendRtcp'] as const) {
    const send = transport[name].bind(transport);
    transport[name] = (packet: Buffer): void => {
      keepMedia(packet);
      send(packet);
    };
  }
});
const proxy = await SignalProxy.start(server.url, {
  toServer: (frame) => {
    keepSignal('signal_requests', frame);
    return [frame];
  },
  toClient: (frame) => {
    keepSignal('signal_responses', frame);
    return [frame];
  },
});
await talk(proxy.url);
await proxy[Symbol.asyncDispose]();
await server.close();
for (const [name, sdp] of await descriptionsOfChromium()) keep('sdp', name, Buffer.from(sdp));
for (const [kind, shapes] of kept) {
  const inputs = [...shapes.values()].flat();
  writeFileSync(`${FOLDER}${kind}.bin`, packCorpus(inputs));
  console.log(`${kind}: ${inputs.length} inputs of ${shapes.size} shapes`);
}
process.exit(0);
