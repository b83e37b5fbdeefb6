import assert from 'node:assert/strict';
import {
  PublishState,
  VideoDataFormat,
  VideoStreamType,
  VideoTrack,
  VideoTrackType,
  type Engine,
} from '../../client/index.js';
import { PictureFeed } from '../conformance/video/support/picture_feed.js';
import { eventually } from '../support/eventually.js';
import { NumberedPictures, readPictureNumber } from '../support/media/numbered_picture.js';
import { sceneOfFile } from './support/cluster_scene.js';

const SIZE = { width: 640, height: 360 };
const FPS = 15;
/** LiveKit waits 5 s before it says that a layer is not wanted (video.dynacast_pause_delay); statistics come every 2 s. */
const PAUSE_MS = 25_000;

/** The last local statistics of an engine's camera. */
class Sent {
  largeFps = -1;
  bitrateBps = -1;

  constructor(engine: Engine) {
    engine.on('onLocalVideoStats', ({ value }) => {
      if (value.track !== VideoTrackType.CAMERA_LARGE) return;
      this.largeFps = value.encodeFps;
      this.bitrateBps = value.sentBitrateBps;
    });
  }

  until(right: (sent: Sent) => boolean): Promise<void> {
    return eventually(() => (right(this) ? undefined : `${this.largeFps} fps, ${this.bitrateBps} bit/s`), PAUSE_MS);
  }
}

/** Counts the pictures of a user by their width; every one has to be readable. */
class Seen implements Disposable {
  readonly byWidth = new Map<number, number>();
  broken = 0;
  readonly #stream: ReturnType<Engine['pictures']>;

  constructor(engine: Engine, uid: string) {
    this.#stream = engine.pictures({ uids: [uid] });
    void this.#run();
  }

  async #run(): Promise<void> {
    for await (const { width, height, data, release } of this.#stream) {
      if (readPictureNumber(data, width, height) === undefined) this.broken++;
      release();
      this.byWidth.set(width, (this.byWidth.get(width) ?? 0) + 1);
    }
  }

  /** So many more pictures of that width. */
  more(width: number, count: number): Promise<void> {
    const before = this.byWidth.get(width) ?? 0;
    return eventually(() => {
      const came = (this.byWidth.get(width) ?? 0) - before;
      return came >= count ? undefined : `${came} of width ${width}; ${JSON.stringify([...this.byWidth])}`;
    }, PAUSE_MS);
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
  }
}

describe("Dual stream and LiveKit's simulcast, stream allocator and dynacast", function () {
  this.timeout(150_000);
  const { open } = sceneOfFile();

  it('only the layers that somebody wants are encoded: both, the small one, none, the large one again', async () => {
    await using scene = await open();
    const [sender, receiver] = [await scene.engine(), await scene.engine()];
    const sent = new Sent(sender);
    await sender.setExternalVideoSource(true);
    await sender.setVideoEncoderConfiguration({ dimensions: SIZE, frameRate: FPS, bitrateKbps: 600 });
    await sender.publishLocalDualStream(true, { wait: false });
    await scene.join(receiver, 'receiver');
    await scene.join(sender, 'sender');
    assert.equal(await sender.publishLocalVideoStream(true), PublishState.PUBLISHED);
    const drawer = new NumberedPictures(SIZE.width, SIZE.height, FPS);
    await using _feed = new PictureFeed(sender, FPS, (number) => ({
      ...SIZE,
      format: VideoDataFormat.I420,
      timestampMs: 0,
      data: drawer.draw(number),
    }));
    using seen = new Seen(receiver, 'sender');
    await seen.more(640, 15);
    await sent.until(({ largeFps }) => largeFps >= 10);

    await receiver.setRemoteVideoStreamType('sender', VideoStreamType.LOW);
    await seen.more(320, 15);
    // The large one is not encoded any more; the small one goes on.
    await sent.until(({ largeFps, bitrateBps }) => largeFps === 0 && bitrateBps > 20_000);
    await seen.more(320, 15);

    await receiver.subscribeRemoteVideoStream('sender', VideoTrack.CAMERA, false);
    await sent.until(({ largeFps, bitrateBps }) => largeFps === 0 && bitrateBps < 20_000);

    await receiver.setRemoteVideoStreamType('sender', VideoStreamType.HIGH);
    await receiver.subscribeRemoteVideoStream('sender', VideoTrack.CAMERA, true);
    await seen.more(640, 15);
    await sent.until(({ largeFps }) => largeFps >= 10);
    assert.equal(seen.broken, 0, 'pictures that are not readable');
  });

  it('one who wants the small one and one who wants the large one each get theirs', async () => {
    await using scene = await open();
    const [sender, low, high] = [await scene.engine(), await scene.engine(), await scene.engine()];
    await sender.setExternalVideoSource(true);
    await sender.setVideoEncoderConfiguration({ dimensions: SIZE, frameRate: FPS, bitrateKbps: 600 });
    await sender.publishLocalDualStream(true, { wait: false });
    await low.setRemoteDefaultVideoStreamType(VideoStreamType.LOW);
    await scene.join(low, 'low');
    await scene.join(high, 'high');
    await scene.join(sender, 'sender');
    assert.equal(await sender.publishLocalVideoStream(true), PublishState.PUBLISHED);
    const drawer = new NumberedPictures(SIZE.width, SIZE.height, FPS);
    await using _feed = new PictureFeed(sender, FPS, (number) => ({
      ...SIZE,
      format: VideoDataFormat.I420,
      timestampMs: 0,
      data: drawer.draw(number),
    }));
    using small = new Seen(low, 'sender');
    using large = new Seen(high, 'sender');
    await Promise.all([small.more(320, 30), large.more(640, 30)]);
    assert.deepEqual([small.broken, large.broken], [0, 0]);
  });
});
