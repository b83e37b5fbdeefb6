import { BrowserScene, type SignalPath } from './browser_scene.js';
import type { Site } from './site.js';

/** Where rows run. */
export interface Rig {
  /** In the names of screenshots. */
  name: string;
  path: SignalPath;
  /** Opened by the file's before hook. */
  site(): Site;
  /** How soon others know that a tab was closed. */
  leaveLimitMs: number;
}

/** A test with a channel of its own, which leaves pictures of its tabs: at the end, unless it took them at a better moment, and when it fails. */
export function row(rig: Rig, title: string, run: (scene: BrowserScene) => Promise<void>, timeoutMs = 60_000): void {
  it(title, async function () {
    this.timeout(timeoutMs);
    await using scene = await BrowserScene.open(rig.site(), rig.path, `${rig.name} ${title}`);
    try {
      await run(scene);
      if (!scene.hasScreenshots) await scene.screenshots();
    } catch (error) {
      // What the pages looked like is worth more than a failure to take it.
      await scene.screenshots('failed').catch(() => undefined);
      throw error;
    }
  });
}
