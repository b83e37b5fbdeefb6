import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';
import { createProgram } from '../../../client/cli/program.js';
import { formatListenAddress } from '../../../daemon/config/listen_address.js';
import { loadConfig } from '../../../daemon/config/load_config.js';

const SILENT = {
  print: () => undefined,
  note: () => undefined,
  signal: new AbortController().signal,
  env: {},
  readStdin: () => Promise.resolve(''),
  interactive: false,
};
const FOLDER = fileURLToPath(new URL('../../../docker/', import.meta.url));
const SOCKET = 'unix:/run/alirtcd/alirtcd.sock';
/** As docker/Dockerfile sets them. */
const IMAGE_ENVIRONMENT = {
  HOME: '/var/lib/alirtcd',
  XDG_RUNTIME_DIR: '/run/alirtcd',
  XDG_STATE_HOME: '/var/lib/alirtcd',
};
const here = '/opt/alirtcd/dist/bin';

interface Probe {
  exec: { command: string[] };
}
interface ContainerSpec {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string }[];
  restartPolicy?: string;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  startupProbe?: Probe;
  lifecycle?: { preStop: Probe };
  securityContext: {
    readOnlyRootFilesystem: boolean;
    allowPrivilegeEscalation: boolean;
    capabilities: { drop: string[] };
  };
  volumeMounts: { name: string; mountPath: string }[];
}
interface PodSpec {
  securityContext: { runAsNonRoot: boolean; runAsUser: number };
  initContainers: ContainerSpec[];
  containers: ContainerSpec[];
  volumes: { name: string }[];
}
interface Manifest {
  kind: string;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  spec: { template: { spec: PodSpec }; volumeClaimTemplates?: { metadata: { name: string } }[] };
}

function manifests(name: string): Manifest[] {
  const text = readFileSync(`${FOLDER}kubernetes/${name}`, 'utf8');
  return parseAllDocuments(text, { merge: true }).map((document) => document.toJS() as Manifest);
}

describe('the files of docker', () => {
  it('start the daemon of the image with its socket where clients in the container look for it', () => {
    const { listen } = loadConfig([], '1.2.3', { environment: IMAGE_ENVIRONMENT, here });
    assert.equal(formatListenAddress(listen[0] ?? assert.fail()), SOCKET);
    const dockerfile = readFileSync(`${FOLDER}Dockerfile`, 'utf8');
    for (const [name, value] of Object.entries(IMAGE_ENVIRONMENT))
      assert.match(dockerfile, new RegExp(`\\b${name}=${value}\\b`));
  });

  it('are a compose file of the daemon and a program on the same socket, both without privileges', () => {
    interface Service {
      command?: string[];
      environment?: Record<string, string>;
      volumes: string[];
      read_only: boolean;
      cap_drop: string[];
      depends_on?: Record<string, { condition: string }>;
    }
    const { services } = parse(readFileSync(`${FOLDER}compose.yaml`, 'utf8')) as { services: Record<string, Service> };
    const { alirtcd, counter } = services;
    assert.ok(alirtcd !== undefined && counter !== undefined);
    const config = loadConfig(alirtcd.command ?? [], '1.2.3', { environment: IMAGE_ENVIRONMENT, here });
    assert.deepEqual(config.listen.map(formatListenAddress), [SOCKET]);
    assert.equal(counter.environment?.['ALIRTCD_ADDRESS'], SOCKET);
    for (const { volumes, read_only: readOnly, cap_drop: dropped } of [alirtcd, counter]) {
      assert.ok(volumes.includes('run:/run/alirtcd'));
      assert.deepEqual([readOnly, dropped], [true, ['ALL']]);
    }
    assert.equal(counter.depends_on?.['alirtcd']?.condition, 'service_healthy');
  });

  for (const name of ['sidecar.yaml', 'fleet.yaml'])
    it(`are pods of ${name} whose daemon takes its configuration, probes itself by alirtc, and shares its socket`, () => {
      const all = manifests(name);
      const folder = mkdtempSync(path.join(tmpdir(), 'alirtcd-manifest-'));
      try {
        const pod = all.find(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')?.spec ?? assert.fail();
        const { securityContext, initContainers, containers, volumes } = pod.template.spec;
        assert.deepEqual([securityContext.runAsNonRoot, securityContext.runAsUser], [true, 10_001]);
        const everything = [...initContainers, ...containers];
        for (const { name: container, securityContext: context } of everything) {
          assert.ok(context.readOnlyRootFilesystem && !context.allowPrivilegeEscalation, container);
          assert.deepEqual(context.capabilities.drop, ['ALL'], container);
        }
        const claims = (pod.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
        const known = new Set([...volumes.map((volume) => volume.name), ...claims]);
        for (const mount of everything.flatMap(({ volumeMounts }) => volumeMounts))
          assert.ok(known.has(mount.name), mount.name);
        const daemon = everything.find((container) => container.name === 'alirtcd') ?? assert.fail();
        assert.deepEqual(daemon.startupProbe?.exec.command, ['alirtc', 'health']);
        assert.deepEqual(daemon.readinessProbe?.exec.command, ['alirtc', 'health']);
        assert.deepEqual(daemon.livenessProbe?.exec.command, ['alirtc', 'status']);
        const file = path.join(folder, 'alirtcd.yaml');
        writeFileSync(file, all.find(({ kind }) => kind === 'ConfigMap')?.data?.['alirtcd.yaml'] ?? '');
        const config = loadConfig(['--config', file], '1.2.3', { environment: IMAGE_ENVIRONMENT, here });
        assert.deepEqual(config.listen.map(formatListenAddress), [SOCKET]);
        const copied = initContainers.find((container) => container.name === 'keys')?.command?.at(-1);
        assert.equal(config.keys, copied);
        const program = containers.find((container) => container.name === 'recorder') ?? assert.fail();
        assert.equal(program.env?.find((one) => one.name === 'ALIRTCD_ADDRESS')?.value, SOCKET);
        for (const { volumeMounts } of [daemon, program])
          assert.ok(
            volumeMounts.some(({ name: volume, mountPath }) => volume === 'run' && mountPath === '/run/alirtcd'),
          );
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });

  it('drain a pod of the fleet before it stops, and scale the fleet by the load that the daemon tells', () => {
    const all = manifests('fleet.yaml');
    const [daemon] = all.find(({ kind }) => kind === 'StatefulSet')?.spec.template.spec.containers ?? [];
    const drain = daemon?.lifecycle?.preStop.exec.command ?? [];
    assert.deepEqual(drain, ['alirtc', 'node', 'drain', '--deadline', '600', '--wait']);
    // The command line takes it.
    const { program } = createProgram(SILENT);
    const node = program.commands.find((one) => one.name() === 'node') ?? assert.fail();
    const command = node.commands.find((one) => one.name() === 'drain') ?? assert.fail();
    assert.deepEqual(command.parseOptions(drain.slice(3)).unknown, []);
    assert.deepEqual(command.opts(), { deadline: 600, wait: true });
    const scaler = all.find(({ kind }) => kind === 'HorizontalPodAutoscaler') as unknown as {
      spec: { metrics: { pods: { metric: { name: string } } }[] };
    };
    assert.deepEqual(
      scaler.spec.metrics.map(({ pods }) => pods.metric.name),
      ['alirtcd_load_ratio'],
    );
  });
});
