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

/** A test with a channel of its own, which leaves pictures of its tabs, also when it fails. */
export function row(rig: Rig, title: string, run: (scene: BrowserScene) => Promise<void>, timeoutMs = 60_000): void {
  it(title, async function () {
    this.timeout(timeoutMs);
    await using scene = await BrowserScene.open(rig.site(), rig.path);
    try {
      await run(scene);
    } finally {
      await scene.screenshots(`${rig.name} ${title}`);
    }
  });
}
