import { AlirtcClient, ChannelProfile, PublishMode, SubscribeMode, type Engine } from '../../../client/index.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { SCRIPTED_CORE, ScriptedCores, type ScriptedCore } from '../../support/scripted_core/scripted_cores.js';

export const CONFIG = {
  channelProfile: ChannelProfile.INTERACTIVE_LIVE,
  publishMode: PublishMode.MANUALLY,
  subscribeMode: SubscribeMode.AUTOMATICALLY,
};

/** A daemon that starts scripted cores, and a client. */
export class CoreScene {
  private constructor(
    readonly daemon: RunningDaemon,
    readonly cores: ScriptedCores,
    readonly client: AlirtcClient,
  ) {}

  static async open(): Promise<CoreScene> {
    const cores = await ScriptedCores.start();
    const args = ['--core-service', SCRIPTED_CORE, '--channel-server', 'ws://127.0.0.1:9'];
    const daemon = await startDaemon({ args });
    return new CoreScene(daemon, cores, await AlirtcClient.connect(daemon.address));
  }

  /** A new engine; its core records the commands to ignore, and does nothing about them. */
  async start(
    ignore: Parameters<ScriptedCores['extra']>[0] = [],
  ): Promise<{ engine: Engine; core: ScriptedCore; extra: string }> {
    const arrived = this.cores.next();
    const extra = this.cores.extra(ignore);
    const engine = await this.client.createEngine({ coreServicePath: SCRIPTED_CORE, h5mode: true, extra });
    return { engine, core: await arrived, extra };
  }

  /** Gives the token. */
  async join(engine: Engine): Promise<string> {
    const { token } = await this.client.generateToken({ channel: 'room', userId: 'bot' });
    await engine.joinChannel({ token, userName: 'Bot', config: CONFIG });
    return token;
  }

  async close(): Promise<void> {
    this.client.close();
    await this.daemon.stop();
    await this.cores.close();
  }
}
