import { Client, credentials } from '@grpc/grpc-js';
import { grpcTarget } from '../../../../client/address.js';
import { ChannelProfile, EngineState, type Engine, type EventStream } from '../../../../client/index.js';
import { eventually } from '../../../support/eventually.js';
import { eventOf } from '../refused.js';
import { newChannel, TestBed } from '../test_bed.js';

/** Where an engine can be when a call comes. */
export const STATES = ['ready', 'joining', 'joined', 'left', 'released'] as const;
export type State = (typeof STATES)[number];

export const UNKNOWN_ENGINE = 'eng_aaaaaaaaaaaa';

const WANTED: Readonly<Record<Exclude<State, 'released'>, EngineState>> = {
  ready: EngineState.READY,
  joining: EngineState.JOINING,
  joined: EngineState.JOINED,
  left: EngineState.READY,
};
/** Nobody comes to the channel: the join is not confirmed for so long. */
const JOINING_S = 3600;

/** One daemon with an engine in every state, for the whole table. */
export class Scene {
  readonly #engines = new Map<State, Engine>();
  #events: EventStream | undefined;

  private constructor(
    readonly bed: TestBed,
    readonly client: Client,
  ) {}

  static async open(): Promise<Scene> {
    const bed = await TestBed.open();
    return new Scene(bed, new Client(grpcTarget(bed.daemon.address), credentials.createInsecure()));
  }

  /** The engine that is in that state: it is brought back into it when a row has moved it. */
  async engine(state: State): Promise<Engine> {
    const engine = this.#engines.get(state);
    if (engine !== undefined && (await this.#isThere(engine, state))) return engine;
    const made = engine !== undefined && (await this.#isAlive(engine)) ? engine : await this.bed.engine();
    this.#engines.set(state, made);
    await this.#bring(made, state);
    return made;
  }

  /** Asks the cores, and makes an event that comes through the stream of events. */
  async worksStill(): Promise<void> {
    const [ready, joined] = [await this.engine('ready'), await this.engine('joined')];
    await Promise.all([ready.getSdkVersion(), joined.getSdkVersion()]);
    if (this.#events === undefined || (await ready.snapshot())?.state !== EngineState.READY)
      throw new Error('the engine that is read is not ready');
    await ready.joinChannel({ token: 'garbage', channelId: 'c', userId: 'u' }, { wait: false });
    await eventOf(this.#events, 'onJoinChannelResult', ({ value }) => value.channel === 'c');
    // The first of the family is the daemon itself.
    const { processes } = await this.bed.client.nodeStatus();
    if (processes[0]?.processId !== this.bed.pid) throw new Error('the daemon is another process');
  }

  async close(): Promise<void> {
    for (const engine of this.#engines.values()) await engine.release();
    this.#events?.cancel();
    this.client.close();
    await this.bed.nothingIsLeft();
  }

  async #isAlive(engine: Engine): Promise<boolean> {
    const living = await this.bed.client.listEngines();
    return living.some(({ engineId }) => engineId === engine.engineId);
  }

  async #isThere(engine: Engine, state: State): Promise<boolean> {
    const isAlive = await this.#isAlive(engine);
    if (state === 'released') return !isAlive;
    return isAlive && (await engine.snapshot())?.state === WANTED[state];
  }

  async #bring(engine: Engine, state: State): Promise<void> {
    if (state === 'released') return engine.release();
    await engine.leaveChannel();
    await eventually(async () =>
      (await engine.snapshot())?.state === EngineState.READY ? undefined : 'still leaving',
    );
    const channel = newChannel();
    if (state === 'joined' || state === 'left') await this.bed.join(engine, channel, 'me');
    if (state === 'left') await engine.leaveChannel();
    if (state === 'ready') await this.#read(engine);
    if (state !== 'joining') return;
    await engine.setPeriodForCheckPeople(JOINING_S);
    const { token } = await this.bed.client.generateToken({ channel, userId: 'me' });
    const config = { channelProfile: ChannelProfile.INTERACTIVE_LIVE };
    await engine.joinChannel({ token, channelId: channel, userId: 'me', config }, { wait: false });
  }

  async #read(engine: Engine): Promise<void> {
    this.#events?.cancel();
    this.#events = engine.events();
    await eventOf(this.#events, 'snapshot');
  }
}
