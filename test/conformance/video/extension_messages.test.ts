import { VideoDataFormat, type EncodedPicture, type Engine, type VideoFrameInput } from '../../../client/index.js';
import { buildSei, findSei, insertSei } from '../../../rtp/sei.js';
import { eventually } from '../../support/eventually.js';
import { encodePictures } from '../../support/media/encode_pictures.js';
import { NumberedPictures } from '../../support/media/numbered_picture.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { EventRecord } from './support/event_record.js';
import { openPair } from './support/pair.js';
import { PictureFeed } from './support/picture_feed.js';
import { encodedUntil } from './support/receiving.js';

const SIZE = { width: 320, height: 180 };
const BOTH = ['SendMediaExtensionMsg', 'OnMediaExtensionMsgReceived'] as const;
const FRAMES_PER_SECOND = 15;

function raw(): (number: number) => VideoFrameInput {
  const pictures = new NumberedPictures(SIZE.width, SIZE.height, FRAMES_PER_SECOND);
  return (number) => ({ format: VideoDataFormat.I420, ...SIZE, timestampMs: 0, data: pictures.draw(number) });
}

/** All access units of the sender, watched from now on. */
class Units implements Disposable {
  readonly all: EncodedPicture[] = [];
  readonly #stream: ReturnType<Engine['encodedPictures']>;

  constructor(receiver: Engine) {
    this.#stream = receiver.encodedPictures({ uids: ['sender'] });
    void this.#run();
  }

  async #run(): Promise<void> {
    for await (const unit of this.#stream) this.all.push(unit);
  }

  /** Those that carry this message, with their places. */
  carrying(message: Buffer): { index: number; keyFrame: boolean; copies: number }[] {
    return this.all.flatMap(({ data, keyFrame }, index) => {
      const copies = findSei(data).filter((sei) => sei.data.equals(message)).length;
      return copies === 0 ? [] : [{ index, keyFrame, copies }];
    });
  }

  async more(count: number): Promise<void> {
    const wanted = this.all.length + count;
    await eventually(() => (this.all.length >= wanted ? undefined : `${this.all.length} of ${wanted} access units`));
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
  }
}

function received(events: EventRecord): string[] {
  return events.of('onMediaExtensionMsgReceived').map(({ value }) => Buffer.from(value.message).toString('latin1'));
}

describe('conformance: messages in the pictures (SEI)', () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
  });

  const open = (): ReturnType<typeof openPair> =>
    openPair(daemon, {
      prepare: async (sender) => {
        await sender.setExternalVideoSource(true);
        await sender.setVideoEncoderConfiguration({
          dimensions: SIZE,
          frameRate: FRAMES_PER_SECOND,
          bitrateKbps: 400,
          keyFrameIntervalMs: 500,
        });
      },
    });

  row(
    'repeats: so many copies on pictures in succession, received once; the same message sent again is received again',
    { covers: [...BOTH], peer: 'engine' },
    async (check: Check) => {
      await using pair = await open();
      using events = new EventRecord(pair.receiver);
      using units = new Units(pair.receiver);
      await using _feed = new PictureFeed(pair.sender, FRAMES_PER_SECOND, raw());
      await units.more(3);
      for (const repeatCount of [1, 5]) {
        const message = Buffer.from(`copies: ${repeatCount}`);
        await pair.sender.sendMediaExtensionMsg(message, { repeatCount });
        await events.first('onMediaExtensionMsgReceived', (value) => message.equals(value.message));
        await units.more(repeatCount + 4);
        const carrying = units.carrying(message);
        check.equal(carrying.length, repeatCount, 'access units with the message');
        const first = carrying[0]?.index ?? 0;
        check.equal(
          carrying.map(({ index }) => index - first),
          [...Array(repeatCount).keys()],
          'in succession',
        );
        check.ok(
          carrying.every(({ copies }) => copies === 1),
          'one copy in each',
        );
      }
      const again = Buffer.from('copies: 5');
      await pair.sender.sendMediaExtensionMsg(again, { repeatCount: 2 });
      await eventually(() => (received(events).length >= 3 ? undefined : 'the third one has not come'));
      await units.more(6);
      check.equal(received(events), ['copies: 1', 'copies: 5', 'copies: 5'], 'each message once');
      check.ok(
        events.of('onMediaExtensionMsgReceived').every(({ value }) => value.userId === 'sender'),
        'they name their sender',
      );
    },
  );

  row(
    '-1 repeats until the next message takes its place',
    { covers: [...BOTH], peer: 'engine' },
    async (check: Check) => {
      await using pair = await open();
      using events = new EventRecord(pair.receiver);
      using units = new Units(pair.receiver);
      await using _feed = new PictureFeed(pair.sender, FRAMES_PER_SECOND, raw());
      await units.more(2);
      const [forever, next] = [Buffer.from('for ever'), Buffer.from('the next one')];
      await pair.sender.sendMediaExtensionMsg(forever, { repeatCount: -1 });
      await events.first('onMediaExtensionMsgReceived', ({ message }) => forever.equals(message));
      await units.more(20);
      await pair.sender.sendMediaExtensionMsg(next);
      await events.first('onMediaExtensionMsgReceived', ({ message }) => next.equals(message));
      await units.more(8);
      const of = units.carrying(forever).map(({ index }) => index);
      const replaced = units.carrying(next).map(({ index }) => index);
      check.ok(of.length >= 20, `copies: ${of.length}`);
      check.equal(of.length, (of.at(-1) ?? 0) - (of[0] ?? 0) + 1, 'on every picture');
      check.equal(replaced.length, 1, 'copies of the next one');
      check.equal(replaced[0], (of.at(-1) ?? 0) + 1, 'it begins where the other ends');
      check.equal(received(events), ['for ever', 'the next one'], 'each once');
    },
  );

  row(
    'not before its delay, and on key frames only where asked',
    { covers: [...BOTH], peer: 'engine' },
    async (check: Check) => {
      await using pair = await open();
      using events = new EventRecord(pair.receiver);
      using units = new Units(pair.receiver);
      await using _feed = new PictureFeed(pair.sender, FRAMES_PER_SECOND, raw());
      await units.more(2);
      const [late, onKey] = [Buffer.from('late'), Buffer.from('on key frames')];
      const sentAt = performance.now();
      await pair.sender.sendMediaExtensionMsg(late, { delayMs: 800 });
      await events.first('onMediaExtensionMsgReceived', ({ message }) => late.equals(message));
      check.within(performance.now() - sentAt, 800, 1500, 'ms until it was received');
      await pair.sender.sendMediaExtensionMsg(onKey, { repeatCount: 3, isKeyFrame: true });
      await eventually(() => (units.carrying(onKey).length === 3 ? undefined : 'not three copies'));
      await units.more(12);
      const carrying = units.carrying(onKey);
      check.equal(
        carrying.map(({ keyFrame }) => keyFrame),
        [true, true, true],
        'on key frames',
      );
      const keysBetween = units.all.slice(carrying[0]?.index, (carrying[2]?.index ?? 0) + 1).filter((u) => u.keyFrame);
      check.equal(keysBetween.length, 3, 'on each key frame');
      check.equal(received(events), ['late', 'on key frames'], 'each once');
    },
  );

  row(
    'up to 4096 bytes of any value; more, none, or no published camera is refused by name',
    { covers: [...BOTH], peer: 'engine' },
    async (check: Check) => {
      await using pair = await open();
      using events = new EventRecord(pair.receiver);
      await using _feed = new PictureFeed(pair.sender, FRAMES_PER_SECOND, raw());
      await encodedUntil(pair.receiver, { uid: 'sender' }, (_, index) => index === 2);
      // Runs of zeros are what start codes are made of; every value occurs.
      const largest = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i % 5 < 3 ? 0 : Math.floor(i / 5) % 256)));
      for (const message of [largest, Buffer.alloc(4096), Buffer.of(0)]) {
        await pair.sender.sendMediaExtensionMsg(message, { repeatCount: 3 });
        const { message: arrived } = await events.first('onMediaExtensionMsgReceived', (value) =>
          message.equals(value.message),
        );
        check.equal(arrived.length, message.length);
      }
      for (const length of [4097, 0])
        await check.rejects(pair.sender.sendMediaExtensionMsg(Buffer.alloc(length, 1)), { field: 'message' });
      await check.rejects(pair.sender.sendMediaExtensionMsg(Buffer.of(1), { repeatCount: -2 }), {
        field: 'repeat_count',
      });
      await check.rejects(pair.sender.sendMediaExtensionMsg(Buffer.of(1), { delayMs: -1 }), { field: 'delay_ms' });
      await pair.sender.publishLocalVideoStream(false);
      await check.rejects(pair.sender.sendMediaExtensionMsg(Buffer.of(1)), { reason: 'ERR_PUBLISH_INVALID' });
      check.equal(received(events).length, 3, 'messages received');
    },
  );

  row(
    'messages that another sender put into its H.264 are received, exact duplicates once',
    { covers: ['OnMediaExtensionMsgReceived', 'PushExternalVideoFrame'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await openPair(daemon, { prepare: (sender) => sender.setExternalVideoSource(true) });
      using events = new EventRecord(pair.receiver);
      const pictures = new NumberedPictures(SIZE.width, SIZE.height, FRAMES_PER_SECOND);
      const units = encodePictures('h264', pictures, 30, 15);
      const uuid = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
      // Three copies of one, two different ones in one picture, and its own number in every fifth.
      const messagesAt = (round: number, i: number): string[] => {
        if (round !== 1) return [];
        if (i >= 3 && i < 6) return ['three copies'];
        if (i === 10) return ['one', 'two'];
        return i % 5 === 4 && i > 10 ? [`picture ${i}`] : [];
      };
      const unitOf = (number: number): VideoFrameInput => {
        const [round, i] = [Math.floor(number / units.length), number % units.length];
        const data = messagesAt(round, i).reduce(
          (unit, text) => insertSei(unit, buildSei(uuid, Buffer.from(text))),
          units[i]?.data ?? Buffer.alloc(0),
        );
        return { format: VideoDataFormat.H264, ...SIZE, timestampMs: 0, data };
      };
      await using feed = new PictureFeed(pair.sender, 30, unitOf);
      await events.first(
        'onMediaExtensionMsgReceived',
        ({ message }) => Buffer.from(message).toString() === 'picture 29',
      );
      await eventually(() => (feed.pushed > 75 ? undefined : `${feed.pushed} pushed`));
      check.equal(received(events), [
        'three copies',
        'one',
        'two',
        'picture 14',
        'picture 19',
        'picture 24',
        'picture 29',
      ]);
    },
  );
});
