import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../corpus/', import.meta.url));

/** Captured by `tsx test/fuzz/capture/main.ts`: each file holds inputs of one kind, one after the other behind their lengths (uint32, big-endian). */
export type CorpusKind =
  'ipc_commands' | 'ipc_callbacks' | 'signal_requests' | 'signal_responses' | 'rtp' | 'rtcp' | 'stun' | 'dtls' | 'sdp';

const read = new Map<CorpusKind, readonly Buffer[]>();

/** Inputs as the project's own code and the software of others really sent them. */
export function corpus(kind: CorpusKind): readonly Buffer[] {
  let inputs = read.get(kind);
  if (inputs === undefined) read.set(kind, (inputs = readCorpus(kind)));
  return inputs;
}

function readCorpus(kind: CorpusKind): Buffer[] {
  const inputs: Buffer[] = [];
  for (const name of readdirSync(FOLDER).sort()) {
    if (!name.startsWith(`${kind}.`)) continue;
    const file = readFileSync(path.join(FOLDER, name));
    for (let at = 0; at + 4 <= file.length;) {
      const end = at + 4 + file.readUInt32BE(at);
      inputs.push(file.subarray(at + 4, end));
      at = end;
    }
  }
  if (inputs.length === 0) throw new Error(`the corpus has no ${kind}`);
  return inputs;
}

/** The file's bytes of such inputs. */
export function packCorpus(inputs: readonly Buffer[]): Buffer {
  return Buffer.concat(
    inputs.flatMap((input) => {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(input.length);
      return [head, input];
    }),
  );
}
