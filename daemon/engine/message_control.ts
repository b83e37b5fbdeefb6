import { MAX_DATA_BYTES, MAX_SEI_BYTES } from '../../coreservice/ipc/limits.js';
import type { SendDataChannelMessageRequest, SendMediaExtensionMsgRequest } from '../../gen/alirtc/v1/engine.js';
import { DataChannelMsg, PublishState } from '../../gen/alirtc/v1/types.js';
import { dataMsgType } from '../conversions.js';
import { invalidField, wrongState } from '../refusals.js';
import type { ChannelControl } from './channel_control.js';
import { checkRange } from './checks.js';
import type { EngineContext } from './engine_context.js';
import type { SettingsControl } from './settings_control.js';

const FOREVER = -1;
const MAX_DELAY_MS = 3_600_000;

/** Bytes beside the media: SEI and the data channel. */
export class MessageControl {
  readonly #engine: EngineContext;
  readonly #channel: ChannelControl;
  readonly #settings: SettingsControl;

  constructor(engine: EngineContext, channel: ChannelControl, settings: SettingsControl) {
    this.#engine = engine;
    this.#channel = channel;
    this.#settings = settings;
  }

  sendMediaExtension(request: SendMediaExtensionMsgRequest): void {
    const bytes = request.message.byteLength;
    if (bytes < 1 || bytes > MAX_SEI_BYTES)
      throw invalidField('message', bytes, `${bytes} bytes, has to be 1 to ${MAX_SEI_BYTES}`, {
        remedy: 'split it into several messages',
      });
    // Left out, i.e. 0, is one copy.
    const repeatCount = request.repeatCount === 0 ? 1 : request.repeatCount;
    checkRange('repeat_count', repeatCount, FOREVER, 1_000_000);
    const delay = checkRange('delay_ms', request.delayMs, 0, MAX_DELAY_MS);
    if (this.#engine.model.camera !== PublishState.PUBLISHED)
      throw wrongState(
        'ERR_PUBLISH_INVALID',
        'the camera stream is not published',
        'publish it, and wait for PUBLISHED',
      );
    const fields = { repeatCount, delay, isKeyFrame: request.isKeyFrame };
    this.#engine.send('SEND_MEDIA_EXTENSION_MSG', fields, request.message);
  }

  sendData(request: SendDataChannelMessageRequest): void {
    const message = request.ctrlMsg ?? DataChannelMsg.fromPartial({});
    const bytes = message.data.byteLength;
    if (bytes > MAX_DATA_BYTES)
      throw invalidField('ctrl_msg.data', bytes, `${bytes} bytes, at most ${MAX_DATA_BYTES}`, {
        remedy: 'split it into several messages',
      });
    const type = dataMsgType.toIpc(message.type, 'ctrl_msg.type');
    if (!this.#channel.isJoined)
      throw wrongState('ERR_PUBLISH_NOT_JOIN_CHANNEL', 'the engine is in no channel', 'join a channel first');
    if (this.#channel.isAudience)
      throw wrongState('ERR_PUBLISH_AUDIENCE', 'the audience cannot send', 'SetClientRole(INTERACTIVE) first');
    if (!this.#settings.dataChannelEnabled)
      throw wrongState(
        'ERR_SDK_INVALID_STATE',
        'the data channel is off',
        'SetParameter {"data":{"enablePubDataChannel":true,"enableSubDataChannel":true}}',
      );
    const { networkTimeMs: networkTime, progress, data } = message;
    this.#engine.send('SEND_DATA_CHANNEL_MSG', { networkTime, progress, type }, data);
  }

  clear(): void {
    this.#engine.send('CLEAR_EXTERNAL_DATA', {});
  }
}
