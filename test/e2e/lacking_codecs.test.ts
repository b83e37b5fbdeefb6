import { ChannelScene } from '../support/channel_scene.js';
import { lackingCodecRows } from './rows/lacking_codec_rows.js';

describe('e2e: who publishes what engines do not receive, at the embedded channel server', function () {
  this.timeout(90_000);
  lackingCodecRows(() => ChannelScene.open());
});
