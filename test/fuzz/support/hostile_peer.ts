import { BareConnections } from '../../integration/channelserver/bare_connections.js';

/** A participant with valid keys on both connections, whose packets are made one by one. */
export class HostilePeer implements AsyncDisposable {
  private constructor(private readonly connections: BareConnections) {}

  static async join(url: string, token: string): Promise<HostilePeer> {
    const connections = await BareConnections.join(url, token);
    connections.begin();
    return new HostilePeer(connections);
  }

  /** Announces a track of each SSRC; resolves with their payload types when packets can be sent. */
  publish(ssrcs: readonly number[]): Promise<number[]> {
    return Promise.all(ssrcs.map((ssrc, index) => this.connections.publish(index % 2 === 0 ? 'video' : 'audio', ssrc)));
  }

  /** Under valid keys, on the connection that sends or the one that receives. What cannot be encrypted (no header) is left out. */
  send(connection: 'publisher' | 'subscriber', packet: Buffer, isRtcp: boolean): void {
    const { transport } = this.connections[connection];
    try {
      if (isRtcp) transport.sendRtcp(packet);
      else transport.sendRtp(packet);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.connections[Symbol.asyncDispose]();
  }
}
