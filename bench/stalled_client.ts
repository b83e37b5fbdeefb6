import { ChannelScene } from '../test/support/channel_scene.js';
import { readProcessUsage } from './support/process_usage.js';
import { round } from './support/statistics.js';

/** A client that opens the stream of 720p30 pictures and stops reading: the memory of daemon and core before and after. */
export async function stalledClient(seconds = 60): Promise<void> {
  await using scene = await ChannelScene.open();
  const publisher = await scene.peer('publisher', { autoSubscribe: false });
  await publisher.call('publish_video', { width: 1280, height: 720, framesPerSecond: 30, codec: 'h264' });
  const engine = await scene.engine();
  await scene.join(engine, 'stalled');
  const pictures = engine.pictures();
  const sound = engine.mixedAudio();
  for (let i = 0; i < 60; i++) await pictures.next();
  const megabytes = (): Record<string, number> => ({
    'daemon MB': round((readProcessUsage(scene.daemon.ready.pid)?.residentBytes ?? NaN) / 1e6),
    'core MB': round((readProcessUsage(engine.coreProcessId)?.residentBytes ?? NaN) / 1e6),
  });
  const rows: Record<string, Record<string, number>> = { before: megabytes() };
  for (let s = 15; s <= seconds; s += 15) {
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    rows[`after ${s} s without reading`] = megabytes();
  }
  let after = await pictures.next();
  for (let i = 0; i < 10 && after.value?.droppedBefore === 0; i++) after = await pictures.next();
  console.log(`\n## a client that stops reading, ${seconds} s, 720p30 raw and mixed sound`);
  console.table(rows);
  console.log(`the reader goes on: ${after.value?.droppedBefore ?? 0} pictures were dropped before the first new one`);
  pictures.cancel();
  sound.cancel();
}
