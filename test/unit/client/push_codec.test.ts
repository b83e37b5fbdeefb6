import assert from 'node:assert/strict';
import {
  PushExternalAudioFramesRequest,
  PushExternalVideoFrameRequest,
  PushExternalVideoFramesRequest,
} from '../../../gen/alirtc/v1/media.js';
import { AudioFrameData, VideoDataSample, VideoDataFormat, VideoSource } from '../../../gen/alirtc/v1/types.js';
import { PUSH_AUDIO_STREAM, PUSH_VIDEO_FRAME, PUSH_VIDEO_STREAM } from '../../../client/push_codec.js';

const SIZES = [0, 1, 127, 128, 16_383, 16_384, 1_382_400];

describe('Serializers of the pushes', () => {
  for (const bytes of SIZES)
    it(`write a picture of ${bytes} bytes as the generated code does`, () => {
      const sample = VideoDataSample.fromPartial({
        format: VideoDataFormat.I420,
        width: 1280,
        height: 720,
        rotation: 90,
        timestampMs: 1_700_000_000_123,
      });
      const frame = { ...sample, data: Buffer.alloc(bytes, 0xa5) };
      const streamed: PushExternalVideoFramesRequest = { message: { $case: 'frame', value: frame } };
      assert.ok(
        PUSH_VIDEO_STREAM.requestSerialize(streamed).equals(PushExternalVideoFramesRequest.encode(streamed).finish()),
      );
      const single = { engineId: 'e', sourceType: VideoSource.SCREEN_SHARE, frame };
      assert.ok(
        PUSH_VIDEO_FRAME.requestSerialize(single).equals(PushExternalVideoFrameRequest.encode(single).finish()),
      );
    });

  for (const bytes of SIZES.slice(0, 6))
    it(`write a chunk of sound of ${bytes} bytes as the generated code does`, () => {
      const chunk = AudioFrameData.fromPartial({ timestampMs: 20, frameId: 'ä', sentenceId: 1, isEndFrame: true });
      const request: PushExternalAudioFramesRequest = {
        message: { $case: 'frame', value: { ...chunk, data: Buffer.alloc(bytes, 7) } },
      };
      assert.ok(
        PUSH_AUDIO_STREAM.requestSerialize(request).equals(PushExternalAudioFramesRequest.encode(request).finish()),
      );
    });

  it('write the opening messages', () => {
    const open = { engineId: 'engine', sourceType: VideoSource.CAMERA };
    assert.deepEqual(
      PushExternalVideoFramesRequest.decode(
        PUSH_VIDEO_STREAM.requestSerialize({ message: { $case: 'open', value: open } }),
      ),
      { message: { $case: 'open', value: open } },
    );
    assert.deepEqual(
      PushExternalAudioFramesRequest.decode(
        PUSH_AUDIO_STREAM.requestSerialize({ message: { $case: 'open', value: { engineId: 'engine' } } }),
      ),
      { message: { $case: 'open', value: { engineId: 'engine' } } },
    );
  });
});
