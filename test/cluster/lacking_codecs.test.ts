import { lackingCodecRows } from '../e2e/rows/lacking_codec_rows.js';
import { sceneOfFile } from './support/cluster_scene.js';

describe('who publishes what engines do not receive, at a LiveKit cluster', function () {
  this.timeout(90_000);
  const { open } = sceneOfFile();
  lackingCodecRows(open);
});
