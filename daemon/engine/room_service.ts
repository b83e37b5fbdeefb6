import { RoomServiceClient } from 'livekit-server-sdk';
import { messageOf } from '../../common/errors.js';

export interface PermissionUpdate {
  /** ws:// or wss:// of the nodes; the room service is there by HTTP. */
  urls: readonly string[];
  apiKey: string;
  apiSecret: string;
  room: string;
  identity: string;
  mayPublish: boolean;
}

/** Rejects with what the last node said. */
export type UpdatePermission = (update: PermissionUpdate) => Promise<void>;

const REQUEST_TIMEOUT_S = 3;

/** RoomService.UpdateParticipant of LiveKit's server API. The participant keeps its place and its media; its token is renewed by the server. */
export const updatePermission: UpdatePermission = async ({ urls, apiKey, apiSecret, room, identity, mayPublish }) => {
  const permission = {
    canSubscribe: true,
    canPublish: mayPublish,
    canPublishData: mayPublish,
    canUpdateMetadata: true,
    hidden: false,
  };
  let said = 'no channel server is known';
  for (const url of urls) {
    try {
      const service = new RoomServiceClient(url.replace(/^ws/, 'http'), apiKey, apiSecret, {
        requestTimeout: REQUEST_TIMEOUT_S,
      });
      await service.updateParticipant(room, identity, { permission });
      return;
    } catch (error) {
      said = `${new URL(url).host}: ${messageOf(error)}`;
    }
  }
  throw new Error(said);
};
