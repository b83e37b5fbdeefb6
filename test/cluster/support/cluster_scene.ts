import { AccessToken, type VideoGrant } from 'livekit-server-sdk';
import type { ParticipantInfo } from '@livekit/protocol';
import { ChannelScene } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { APP_ID, APP_KEY, startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import type { Cluster } from './cluster.js';
import { clusterOfFile } from './cluster_of_file.js';

/** A cluster and a daemon at its node 1 for a file of tests. Engines may name node 2; a scene's engines take both by turns, its peers node 2. */
export function sceneOfFile(): { cluster: () => Cluster; open: () => Promise<ChannelScene> } {
  const cluster = clusterOfFile();
  let daemon: RunningDaemon | undefined;
  before(async function () {
    this.timeout(30_000);
    process.env['ALIRTC_TEST_CLUSTER'] = cluster().urls.join(',');
    daemon = await startDaemon();
  });
  after(async function () {
    this.timeout(30_000);
    delete process.env['ALIRTC_TEST_CLUSTER'];
    await daemon?.stop();
  });
  return { cluster, open: () => ChannelScene.open(daemon) };
}

/** What the server knows of a participant; undefined when it is not in the room. */
export async function participantOf(
  cluster: Cluster,
  room: string,
  identity: string,
): Promise<ParticipantInfo | undefined> {
  return (await cluster.rooms.listParticipants(room)).find((participant) => participant.identity === identity);
}

/** Waits until the server lets that participant publish, or does not. */
export function publishPermission(cluster: Cluster, room: string, identity: string, wanted: boolean): Promise<void> {
  return eventually(async () => {
    const permission = (await participantOf(cluster, room, identity))?.permission;
    const right = permission?.canPublish === wanted && permission.canPublishData === wanted;
    return right ? undefined : `permission: ${JSON.stringify(permission)}, wanted ${wanted}`;
  });
}

export interface LiveKitTokenOptions {
  grant?: VideoGrant;
  key?: string;
  secret?: string;
}

/** A LiveKit token as any program with LiveKit's server SDK makes it. */
export function livekitToken(room: string, identity: string, options: LiveKitTokenOptions = {}): Promise<string> {
  const token = new AccessToken(options.key ?? APP_ID, options.secret ?? APP_KEY, { identity, ttl: 600 });
  token.addGrant({ roomJoin: true, room, ...options.grant });
  return token.toJwt();
}
