// A process that hosts one core, as the daemon does: `core_host.ts <helper> <work folder>`. It prints the core's process id, and exits in disorder, with
// an uncaught exception, when its standard input ends.
import { createLogger } from '../../common/logger.js';
import { CoreProcess } from '../../daemon/engine/core_process.js';
import { PortRange } from '../../daemon/engine/port_range.js';

const [path = '', workFolder = ''] = process.argv.slice(2);
const core = new CoreProcess({
  path,
  ports: new PortRange({ low: 42000, high: 45000 }),
  workFolder,
  logger: createLogger('core_host', 'silent'),
  readyTimeoutMs: 15_000,
});
await core.start();
process.stdin.resume().on('end', () => {
  throw new Error('the host breaks down');
});
console.log(core.pid);
