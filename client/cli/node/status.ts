import type { Command } from 'commander';
import packageJson from '../../../package.json' with { type: 'json' };
import { GetNodeStatusResponse } from '../../../gen/alirtc/v1/node.js';
import type { NodeLimits } from '../../../gen/alirtc/v1/node.js';
import { AlirtcClient } from '../../alirtc_client.js';
import type { CommandContext } from '../io.js';
import { tableLines } from '../table.js';
import { countText, durationText, loadText, memoryText, timeText } from './units.js';

/** `alirtc node status`, and `alirtc status` for short. */
export function addStatusCommand(parent: Command, context: () => CommandContext): void {
  parent
    .command('status')
    .description('versions, up-time, load and capacity, limits, whether it drains, processes with memory and CPU')
    .action(() => printStatus(context()));
}

async function printStatus({ address, connection, json, io }: CommandContext): Promise<void> {
  await using client = await AlirtcClient.connect(address, connection());
  const status = await client.nodeStatus(io);
  if (json) {
    io.print(JSON.stringify(GetNodeStatusResponse.toJSON(status)));
    return;
  }
  for (const line of statusLines(status, address, Date.now())) io.print(line);
  if (status.version !== packageJson.version)
    io.note(`this alirtc is ${packageJson.version}, the daemon ${status.version}`);
}

/** What a node is like, for people. */
export function statusLines(status: GetNodeStatusResponse, address: string, nowMs: number): string[] {
  const { version, runtime, startedAtUs, channelServerUrl, channelServerEmbedded, engines, limits, processes } = status;
  const up = durationText(nowMs - startedAtUs / 1000);
  const of = limits === undefined ? '' : ` of ${limits.maxEngines}`;
  const facts: [string, string][] = [
    ['alirtcd', `${version} on ${runtime} at ${address}`],
    ['up', `${up}, since ${timeText(startedAtUs)}`],
    ['state', stateText(status, nowMs)],
    ['load', nodeLoadText(status)],
    ['engines', `${engines}${of}`],
    ['channel server', `${channelServerUrl || 'none'}${channelServerEmbedded ? ' (embedded)' : ''}`],
    ['limits', limits === undefined ? 'not told' : limitTexts(limits).join(', ')],
  ];
  const rows = processes.map(({ kind, processId, engineId, residentBytes, cpuMs, cpuTimeUs }) => [
    kind,
    String(processId),
    engineId,
    memoryText(residentBytes),
    loadText(cpuMs),
    `${(cpuTimeUs / 1e6).toFixed(1)} s`,
  ]);
  const columns = [
    { title: 'process' },
    { title: 'pid', right: true as const },
    { title: 'engine' },
    ...['memory', 'cpu', 'cpu time'].map((title) => ({ title, right: true as const })),
  ];
  return [...facts.map(([name, text]) => `${name.padEnd(16)}${text}`), '', ...tableLines(columns, rows)];
}

/** "serving", or until when engines may go on. */
export function stateText({ draining, drainDeadlineUs, engines }: GetNodeStatusResponse, nowMs: number): string {
  if (!draining) return 'serving';
  const left = durationText(drainDeadlineUs / 1000 - nowMs);
  return `draining: no new engines, ${countText(engines, 'engine')} left, which end at ${timeText(drainDeadlineUs)} (in ${left})`;
}

export function nodeLoadText({ load }: GetNodeStatusResponse): string {
  if (load === undefined) return 'not told';
  const { loadMs, capacityMs, freeMs } = load;
  const percent = capacityMs === 0 ? 0 : Math.round((loadMs / capacityMs) * 100);
  return `${loadMs} of ${loadText(capacityMs)} (${percent} %), ${freeMs} free`;
}

function limitTexts(limits: NodeLimits): string[] {
  const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return Object.entries(limits).map(([name, value]) => `${dashed(name)} ${value}`);
}
