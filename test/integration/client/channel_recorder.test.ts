import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { CALL_RESULT_NUMBERS } from '../../../common/error_codes.js';
import { AlirtcClient, ChannelProfile, SubscribeMode, VideoTrackType } from '../../../client/index.js';
import { ChannelRecorder } from '../../../client/media/channel_recorder.js';
import type { JoinChannelRequest } from '../../../gen/alirtc/v1/engine.js';
import { EngineSnapshot } from '../../../gen/alirtc/v1/events.js';
import type { EventServiceServer, GetEventHandlerResponse } from '../../../gen/alirtc/v1/events.js';
import { OnRemoteVideoEncodedSampleResponse } from '../../../gen/alirtc/v1/media.js';
import type { MediaServiceServer } from '../../../gen/alirtc/v1/media.js';
import { FakeDaemon } from '../../support/fake_daemon/fake_daemon.js';
import { recordingEngineService } from '../../support/fake_daemon/fake_engine.js';
import type { RecordedCall } from '../../support/fake_daemon/fake_engine.js';
import { serviceError } from '../../support/fake_daemon/status.js';
import { eventually } from '../../support/eventually.js';
import { encodePictures } from '../../support/media/encode_pictures.js';
import type { EncodedUnit } from '../../support/media/encode_pictures.js';
import { NumberedPictures } from '../../support/media/numbered_picture.js';
import { analyseRecording } from '../../support/media/recording_analysis.js';

type EventCall = Parameters<EventServiceServer['getEventHandler']>[0];
type SampleCall = Parameters<MediaServiceServer['onRemoteVideoEncodedSample']>[0];
const TONES = { frequency: 440, beepFrequency: 1760 };

describe('The channel recorder', () => {
  let folder: string;
  let units: EncodedUnit[];
  let daemon: FakeDaemon;
  let client: AlirtcClient;
  let events: EventCall | undefined;
  let samples: SampleCall[] = [];
  let profileOfChannel: ChannelProfile;
  const calls: RecordedCall[] = [];

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'alirtc-recorder-'));
    units = encodePictures('h264', new NumberedPictures(160, 128, 25), 25, 25);
    daemon = await FakeDaemon.start({
      engine: recordingEngineService(calls, {
        joinChannel: (call, callback) => {
          calls.push({ method: 'joinChannel', request: call.request });
          const number = String(CALL_RESULT_NUMBERS.ERR_JOIN_PROFILE_MISMATCH);
          if (call.request.config?.channelProfile === profileOfChannel)
            callback(null, { result: 0, channel: 'c', userId: 'rec' });
          else callback(serviceError(status.FAILED_PRECONDITION, 'x', 'ERR_JOIN_PROFILE_MISMATCH', { number }));
        },
      }),
      events: {
        getEventHandler: (call) => {
          events = call;
          call.write(event({ $case: 'snapshot', value: EngineSnapshot.fromPartial({ engineId: 'e' }) }));
        },
      },
      media: { onRemoteVideoEncodedSample: (call) => void samples.push(call), onSubscribeAudioFrame: () => undefined },
      token: {
        generateToken: (_call, callback) => callback(null, { token: 't', channelServerUrl: '', authInfo: undefined }),
      },
    });
    client = await AlirtcClient.connect(daemon.address);
  });

  beforeEach(() => {
    calls.length = 0;
    samples = [];
    profileOfChannel = ChannelProfile.INTERACTIVE_LIVE;
  });

  after(async () => {
    client.close();
    daemon.stop();
    await rm(folder, { recursive: true });
  });

  function online(uid: string): void {
    events?.write(event({ $case: 'onRemoteUserOnLineNotify', value: { uid } }));
  }

  function sendPictures(uid: string, track: VideoTrackType): void {
    const call = samples.find(({ request }) => request.uids.includes(uid) && request.tracks.includes(track));
    assert.ok(call !== undefined, `nobody reads ${uid}`);
    for (const [n, unit] of units.entries()) {
      const header = {
        sequence: n + 1,
        captureTimeUs: Date.now() * 1000 + n * 40_000,
        droppedBefore: 0,
        discontinuity: false,
      };
      const size = { width: 160, height: 128, codec: 1, frameNum: n + 1 };
      call.write(OnRemoteVideoEncodedSampleResponse.fromPartial({ header, uid, track, ...size, ...unit }));
    }
  }

  it('writes a file for each user and for a shared screen, and reports them', async () => {
    const recorder = new ChannelRecorder(client, { channel: 'c', userId: 'rec', outFolder: folder });
    await recorder.start();
    const join = calls.find(({ method }) => method === 'joinChannel')?.request as JoinChannelRequest | undefined;
    assert.equal(join?.config?.subscribeMode, SubscribeMode.AUTOMATICALLY);
    online('alice');
    online('../bob');
    await eventually(() => (samples.length === 4 ? undefined : `${samples.length} streams`));
    sendPictures('alice', VideoTrackType.CAMERA_LARGE);
    sendPictures('alice', VideoTrackType.SCREEN_SHARE);
    sendPictures('../bob', VideoTrackType.CAMERA_LARGE);
    await eventually(() => {
      const pictures = recorder.progress.reduce((sum, user) => sum + user.pictures, 0);
      return pictures === 75 ? undefined : `${pictures} pictures`;
    });
    await recorder.close();
    const files = recorder.reports.map(({ uid, screen, file }) => [uid, screen, path.basename(file ?? '')]);
    assert.deepEqual(files, [
      ['alice', false, 'alice.mp4'],
      ['alice', true, 'alice.screen.mp4'],
      ['../bob', false, '%2E%2E%2Fbob.mp4'],
    ]);
    for (const { file } of recorder.reports) {
      const { video } = await analyseRecording(file ?? '', TONES);
      assert.equal(video?.frames, 25);
    }
    assert.equal(calls.at(-1)?.method, 'release');
    assert.deepEqual(await recorder.done, { kind: 'requested' });
  });

  it('records only the users that it was asked for', async () => {
    const options = { channel: 'c', userId: 'rec', outFolder: folder, userIds: ['carol'] };
    const recorder = new ChannelRecorder(client, options);
    await recorder.start();
    online('alice');
    online('carol');
    await eventually(() => (samples.length === 2 ? undefined : `${samples.length} streams`));
    assert.ok(samples.every(({ request }) => request.uids[0] === 'carol'));
    await recorder.close();
    assert.deepEqual(
      recorder.reports.map(({ uid, file }) => [uid, file]),
      [['carol', undefined]],
    );
  });

  it("joins a channel of another profile with the channel's own", async () => {
    profileOfChannel = ChannelProfile.COMMUNICATION;
    const recorder = new ChannelRecorder(client, { channel: 'c', userId: 'rec', outFolder: folder });
    await recorder.start();
    await recorder.close();
    const joins = calls.filter(({ method }) => method === 'joinChannel').map(({ request }) => request);
    assert.deepEqual(
      (joins as JoinChannelRequest[]).map(({ config }) => config?.channelProfile),
      [ChannelProfile.INTERACTIVE_LIVE, ChannelProfile.COMMUNICATION],
    );
  });

  it('finishes its files and fails when the engine ends', async () => {
    const recorder = new ChannelRecorder(client, { channel: 'c', userId: 'rec', outFolder: folder });
    await recorder.start();
    online('dave');
    await eventually(() => (samples.length === 2 ? undefined : `${samples.length} streams`));
    sendPictures('dave', VideoTrackType.CAMERA_LARGE);
    await eventually(() => (recorder.progress[0]?.pictures === 25 ? undefined : 'not all pictures'));
    events?.write(event({ $case: 'ended', value: { cause: 3, detail: 'core died' } }));
    events?.end();
    const cause = await recorder.done;
    assert.equal(cause.kind, 'failed');
    assert.equal(recorder.reports[0]?.video?.frames, 25);
  });
});

let sequence = 0;
function event(value: NonNullable<GetEventHandlerResponse['event']>): GetEventHandlerResponse {
  return { sequence: (sequence += 1), timeUs: 1, event: value };
}
