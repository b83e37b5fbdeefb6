import assert from 'node:assert/strict';
import { RtcPeer } from '../../support/rtc_peer/index.js';
import { eventually } from '../../support/eventually.js';
import { LibopusDecoder } from '../../../coreservice/codec/opus_decoder.js';
import { toneShare } from '../../support/media/tones.js';
import {
  collectUnits,
  EncodedPictures,
  EncodedSource,
  nextEvent,
  Rooms,
  subscribeTo,
  tokenFor,
  type Place,
} from './support.js';

/** The table of tests. */
export function rtcNodeRows(place: Place): void {
  describe(`a room of ours and @livekit/rtc-node, by ${place.title}`, function () {
    this.timeout(60_000);
    let server: Awaited<ReturnType<Place['open']>>;
    let peer: RtcPeer;
    before(async () => {
      server = await place.open();
      peer = await RtcPeer.start();
      await peer.call('connect', { url: server.url, token: await tokenFor('both', 'peer') });
    });
    after(async () => {
      await peer.close();
      await server[Symbol.asyncDispose]();
    });

    it('shows our pictures and plays our sound there', async () => {
      await using rooms = new Rooms(server.url, 'both', place.connections);
      const room = await rooms.join('ours');
      const layer = { quality: 'high', width: 640, height: 360, bitrateKbps: 800 } as const;
      const video = await room.publishVideo({ source: 'camera', name: 'camera', frameRate: 30, layers: [layer] });
      const audio = await room.publishAudio({ name: 'mic', stereo: false });
      using source = new EncodedSource();
      source.playPictures(video, [{ quality: 'high', pictures: new EncodedPictures(640, 360, 30) }]);
      source.playTone(audio, 440);
      const first = await peer.waitFor((event) => event.event === 'first_picture' && event.identity === 'ours');
      assert.ok(first.event === 'first_picture');
      assert.deepEqual([first.width, first.height], [640, 360]);
      // A report counts since the one before.
      let readable = 0;
      await eventually(async () => {
        const report = (await peer.call('report', {})).participants['ours'];
        const tone = report?.audio[0]?.tones['440'] ?? 0;
        readable += report?.video[0]?.readable ?? 0;
        return tone > 0.9 && readable > 5 ? undefined : `tone ${tone}, readable ${readable}`;
      });
      const left = peer.waitFor((event) => event.event === 'participant_disconnected' && event.identity === 'ours');
      await room.close();
      await left;
    });

    for (const codec of ['vp8', 'h264'] as const)
      it(`receives its ${codec.toUpperCase()} in whole units of the right size`, async () => {
        await using rooms = new Rooms(server.url, 'both', place.connections);
        const room = await rooms.join(`receiver-${codec}`);
        const subscribed = subscribeTo(room, 'video');
        const { sid } = await peer.call('publish_video', { width: 640, height: 360, framesPerSecond: 20, codec });
        const track = await subscribed;
        const units = await collectUnits(track, 20);
        assert.equal(units[0]?.keyFrame, true);
        assert.ok(units[0].width > 0 && Math.abs(units[0].width / units[0].height - 16 / 9) < 0.1);
        assert.ok(units.every((unit) => unit.codec === codec && !unit.afterLoss));
        const again = collectUnits(track, 1, (unit) => unit.keyFrame);
        track.requestKeyFrame();
        await again;
        const unpublished = nextEvent(room, 'track_unpublished');
        await peer.call('unpublish', { sid });
        await unpublished;
      });

    it('receives its Opus, which decodes to its tone', async () => {
      await using rooms = new Rooms(server.url, 'both', place.connections);
      const room = await rooms.join('listener');
      const subscribed = subscribeTo(room, 'audio');
      const { sid } = await peer.call('publish_audio', { frequency: 600 });
      const track = await subscribed;
      const decoder = new LibopusDecoder(2);
      const shares: number[] = [];
      track.on('packet', ({ payload }) => {
        const samples = decoder.decode(payload);
        const mono = Int16Array.from({ length: samples.length / 2 }, (_, i) => samples[2 * i] ?? 0);
        shares.push(toneShare(mono, 48_000, 600));
      });
      await eventually(() => (shares.filter((share) => share > 0.9).length > 25 ? undefined : shares.join(' ')));
      decoder.close();
      await peer.call('unpublish', { sid });
    });

    it('exchanges data with it', async () => {
      await using rooms = new Rooms(server.url, 'both', place.connections);
      const room = await rooms.join('talker');
      await nextEvent(room, 'participant_joined');
      // LiveKit tells of a participant when its media is connected; who sends earlier has no name there.
      await peer.waitFor((event) => event.event === 'participant_connected' && event.identity === 'talker');
      await room.sendData(Buffer.from('from us'), { topic: 'a', reliable: true });
      const heard = await peer.waitFor((event) => event.event === 'data' && event.identity === 'talker');
      assert.ok(heard.event === 'data');
      assert.equal(Buffer.from(heard.payload, 'base64').toString(), 'from us');
      const data = nextEvent(room, 'data');
      await peer.call('send_data', { payload: Buffer.from('to you').toString('base64'), topic: 'b', reliable: true });
      const [message] = await data;
      assert.deepEqual(
        { ...message, payload: message.payload.toString() },
        {
          identity: 'peer',
          topic: 'b',
          payload: 'to you',
          reliable: true,
        },
      );
    });
  });
}
