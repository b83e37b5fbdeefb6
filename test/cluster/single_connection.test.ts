import { KEYS } from '../integration/channelserver/running_server.js';
import { mediaRows } from '../integration/rtc/media_rows.js';
import { publishInFlightRows } from '../integration/rtc/publish_in_flight_rows.js';
import { rtcNodeRows } from '../integration/rtc/rtc_node_rows.js';
import type { Place } from '../integration/rtc/support.js';
import { LiveKitServer } from './support/livekit_server.js';

async function openServer(): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = new LiveKitServer({ keys: Object.fromEntries(KEYS) });
  await server.start();
  return { url: server.url, [Symbol.asyncDispose]: () => server.close() };
}

const PLACES: readonly Place[] = [
  { title: "livekit-server's /rtc/v1", connections: 'single', open: openServer },
  { title: "livekit-server's /rtc", connections: 'dual', open: openServer },
];

for (const place of PLACES) {
  mediaRows(place);
  rtcNodeRows(place);
  publishInFlightRows(place);
}
