import type { CommandName } from '../../../coreservice/ipc/commands.js';
import { CreateAliRTCEngineRequest, JoinChannelRequest } from '../../../gen/alirtc/v1/engine.js';
import type { CreateAliRTCEngineResponse, JoinChannelResponse } from '../../../gen/alirtc/v1/engine.js';
import { GenerateTokenRequest } from '../../../gen/alirtc/v1/token.js';
import type { GenerateTokenResponse } from '../../../gen/alirtc/v1/token.js';
import { DaemonProcess } from '../../support/daemon_process.js';
import type { DaemonProcessOptions } from '../../support/daemon_process.js';
import { ScriptedCores, SCRIPTED_CORE } from '../../support/scripted_core/scripted_cores.js';
import type { ScriptedCore } from '../../support/scripted_core/scripted_cores.js';

/** A real daemon whose "builtin" core is the scripted one, and which starts no channel server. */
export class Scene {
  readonly daemon: DaemonProcess;
  readonly cores: ScriptedCores;

  private constructor(daemon: DaemonProcess, cores: ScriptedCores) {
    this.daemon = daemon;
    this.cores = cores;
  }

  static async start(options: DaemonProcessOptions = {}): Promise<Scene> {
    const cores = await ScriptedCores.start();
    try {
      const flags = ['--builtin-core-service', SCRIPTED_CORE, '--channel-server', 'ws://127.0.0.1:9'];
      const daemon = await DaemonProcess.start({ ...options, flags: [...flags, ...(options.flags ?? [])] });
      return new Scene(daemon, cores);
    } catch (error) {
      await cores.close();
      throw error;
    }
  }

  async close(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const exit = await this.daemon.stop();
    await this.cores.close();
    return exit;
  }

  /** A new engine, and the test's end of its core. */
  async engine(
    ignore: readonly CommandName[] = [],
  ): Promise<{ engineId: string; core: ScriptedCore; created: CreateAliRTCEngineResponse }> {
    const arrived = this.cores.next();
    const request = CreateAliRTCEngineRequest.fromPartial({ extra: this.cores.extra(ignore) });
    const created = await new Promise<CreateAliRTCEngineResponse>((resolve, reject) => {
      this.daemon.engines.createAliRtcEngine(request, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
    return { engineId: created.engineId, core: await arrived, created };
  }

  /** An engine that is in a channel as a streamer. */
  async joined(userId = 'bot'): Promise<{ engineId: string; core: ScriptedCore; created: CreateAliRTCEngineResponse }> {
    const engine = await this.engine();
    await this.join(engine.engineId, { userId });
    return engine;
  }

  async token(channel: string, userId: string): Promise<GenerateTokenResponse> {
    const request = GenerateTokenRequest.fromPartial({ authInfo: { channel, userId } });
    return new Promise((resolve, reject) => {
      this.daemon.tokens.generateToken(request, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
  }

  async join(
    engineId: string,
    { channel = 'room', userId = 'bot', wait = true, communication = true } = {},
  ): Promise<JoinChannelResponse> {
    const { token } = await this.token(channel, userId);
    const request = JoinChannelRequest.fromPartial({
      engineId,
      credential: { $case: 'token', value: token },
      channelId: channel,
      userId,
      config: { channelProfile: communication ? 1 : 2 },
      wait,
    });
    return new Promise((resolve, reject) => {
      this.daemon.engines.joinChannel(request, (error, response) =>
        error === null ? resolve(response) : reject(error),
      );
    });
  }
}
