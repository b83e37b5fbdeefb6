import { livekitBinary } from './livekit_binary.js';

/** Before the tests, so that none of them waits for the compiler. */
const startedAt = performance.now();
try {
  const file = await livekitBinary((text) => console.log(text));
  console.log(`livekit-server: ${file}, ${Math.round((performance.now() - startedAt) / 1000)} s`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
