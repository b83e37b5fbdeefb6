import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';

/** Of a Compose file, what our own says. */
export interface ComposeService {
  image: string;
  /** Behind the image's entry point. */
  command: string[];
  environment?: Record<string, string>;
  /** "uid:gid" or "${NAME:-uid:gid}". */
  user?: string;
  /** "./file:/place:ro" */
  volumes?: string[];
  /** "/place:mode=1777" */
  tmpfs?: string[];
  shm_size?: string;
  depends_on?: Record<string, { condition: 'service_healthy' | 'service_started' }>;
  healthcheck?: { test: string[]; retries: number };
  network_mode: string;
}

/** Services in an order in which each comes behind those that it depends on. */
export async function readComposeFile(file: string): Promise<[name: string, service: ComposeService][]> {
  const { services } = parse(await readFile(file, 'utf8'), { merge: true }) as {
    services: Record<string, ComposeService>;
  };
  const ordered: [string, ComposeService][] = [];
  const add = (name: string): void => {
    const service = services[name];
    if (service === undefined) throw new Error(`the Compose file has no service ${name}`);
    if (ordered.some(([known]) => known === name)) return;
    for (const other of Object.keys(service.depends_on ?? {})) add(other);
    ordered.push([name, service]);
  };
  for (const name of Object.keys(services)) add(name);
  return ordered;
}

/** What an image adds to its command: of ours, by its Dockerfile. */
export interface ImageSettings {
  entryPoint: string[];
  environment: Record<string, string>;
}

/** The last ENTRYPOINT and the ENV of the stage that is run; RUN_AS and files are the test's matter. */
export async function readDockerfile(file: string): Promise<ImageSettings> {
  const text = (await readFile(file, 'utf8')).replaceAll('\\\n', ' ');
  const stage = text.slice(text.lastIndexOf('\nFROM '));
  const entryPoint = /^ENTRYPOINT (\[.*\])$/m.exec(stage)?.[1];
  if (entryPoint === undefined) throw new Error(`${path.basename(file)} has no ENTRYPOINT`);
  const environment: Record<string, string> = {};
  for (const [, line = ''] of stage.matchAll(/^ENV (.*)$/gm))
    for (const [, name = '', value = ''] of line.matchAll(/(\w+)=(\S+)/g)) environment[name] = value;
  return { entryPoint: JSON.parse(entryPoint) as string[], environment };
}
