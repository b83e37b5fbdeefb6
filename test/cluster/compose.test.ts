import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { ComposeStack } from './compose/compose_stack.js';

const PROGRAM = fileURLToPath(new URL('./compose/two_nodes.ts', import.meta.url));

interface Received {
  pictures: number;
  tone: number;
  daemon: number;
}

describe('The stack of docker/cluster/compose.yaml', function () {
  this.timeout(180_000);

  it('as it stands there carries pictures and sound between engines of its two daemons', async () => {
    await using stack = await ComposeStack.start();
    const addresses = ['127.0.0.1:7420', '127.0.0.1:7421'];
    const out = await stack.run([process.execPath, '--import', 'tsx', PROGRAM, ...addresses], 150_000);
    const { alice, bob } = JSON.parse(out.trim().split('\n').at(-1) ?? '') as Record<'alice' | 'bob', Received>;
    for (const { pictures, tone } of [alice, bob]) {
      assert.ok(pictures >= 30, `${pictures} pictures`);
      assert.ok(tone > 0.8, `share of the tone: ${tone}`);
    }
    assert.notEqual(alice.daemon, bob.daemon, 'both addresses lead to one daemon');
    assert.ok(stack.areAllRunning, stack.lastLines());
    // Each has the address for its console that the file gives it, and took no other.
    for (const [name, console] of [
      ['alirtcd-1', 'http://127.0.0.1:7430/'],
      ['alirtcd-2', 'http://127.0.0.1:7431/'],
    ] as const)
      assert.ok((await stack.log(name)).includes(`"console":"${console}"`), `${name} has another console`);
  });
});
