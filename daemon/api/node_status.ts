import type { EngineStatus, GetNodeStatusResponse, NodeLimits, ProcessStatus } from '../../gen/alirtc/v1/node.js';
import type { Config } from '../config/schema.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import type { EngineSession } from '../engine/engine_session.js';
import type { Admission } from '../node/admission.js';
import type { Drain } from '../node/drain.js';
import { familyOf } from '../node/family.js';
import type { ProcessMeter } from '../node/process_meter.js';
import { readProcessStatus } from '../node/process_status.js';

export interface NodeStatusOptions {
  version: string;
  /** Unix time in microseconds. */
  startedAtUs: number;
  channelServerUrl: () => string | undefined;
  /** Of the embedded channel server; undefined: it is not ours. */
  channelServerPid: () => number | undefined;
  drain: Drain;
  admission: Admission;
  meter: Pick<ProcessMeter, 'processLoadMs'>;
  /** As they count now. */
  limitSettings: () => Config;
  /** Who made an engine; undefined: it is just being made. */
  ownerOf: (engineId: string) => string | undefined;
  eventReadersOf: (engineId: string) => number;
}

/** NodeService.GetNodeStatus, of everybody's engines. */
export async function nodeStatus(registry: EngineRegistry, options: NodeStatusOptions): Promise<GetNodeStatusResponse> {
  const { version, startedAtUs, channelServerPid, drain, limitSettings } = options;
  const processes = await Promise.all(
    familyOf(registry, channelServerPid).map(async (one) => ({
      ...one,
      ...(await readProcessStatus(one.processId)),
      cpuMs: Math.round(options.meter.processLoadMs(one.processId) ?? 0),
    })),
  );
  return {
    version,
    startedAtUs,
    channelServerUrl: options.channelServerUrl() ?? '',
    channelServerEmbedded: channelServerPid() !== undefined,
    engines: registry.size,
    processes,
    draining: drain.isDraining,
    drainDeadlineUs: Math.floor((drain.deadlineMs ?? 0) * 1000),
    load: loadOf(registry, options.admission),
    limits: limitsOf(limitSettings()),
    engineStatuses: registry.list().map((session) => engineStatus(session, processes, options)),
    runtime: `Node.js ${process.version}`,
  };
}

function loadOf(registry: EngineRegistry, admission: Admission): GetNodeStatusResponse['load'] {
  return {
    loadMs: Math.ceil(admission.loadMs),
    capacityMs: admission.capacityMs,
    freeMs: Math.floor(admission.freeMs),
    engines: registry.list().map(({ engineId }) => ({ engineId, loadMs: Math.ceil(admission.engineMs(engineId)) })),
  };
}

function limitsOf(config: Config): NodeLimits {
  return {
    maxEngines: config['max-engines'],
    maxEnginesPerClient: config['max-engines-per-client'],
    maxStreamsPerClient: config['max-streams-per-client'],
    maxStreamsPerEngine: config['max-streams-per-engine'],
    maxEventStreamsPerEngine: config['max-event-streams-per-engine'],
    maxCallsPerSecond: config['max-calls-per-second'],
    maxMessageBytes: config['max-message-bytes'],
    drainSeconds: config['drain-seconds'],
  };
}

function engineStatus(
  session: EngineSession,
  processes: readonly ProcessStatus[],
  { admission, ownerOf, eventReadersOf }: NodeStatusOptions,
): EngineStatus {
  const { engineId, lease, coreProcessId, coreRestarts } = session;
  const { state, channel, userId } = session.snapshot();
  const core = processes.find((one) => one.processId === coreProcessId && one.engineId === engineId);
  return {
    engineId,
    owner: ownerOf(engineId) ?? '',
    state,
    channel,
    userId,
    frameStreams: session.media.streams().length,
    eventStreams: eventReadersOf(engineId),
    leaseSeconds: lease.seconds,
    inUse: lease.isHeld,
    coreProcessId,
    residentBytes: core?.residentBytes ?? 0,
    cpuMs: core?.cpuMs ?? 0,
    loadMs: Math.ceil(admission.engineMs(engineId)),
    coreRestarts,
  };
}
