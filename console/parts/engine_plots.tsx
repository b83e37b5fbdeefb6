import type { EngineView } from '../../common/console_api.js';
import { bitRate, bytes, count, perCent } from '../format.js';
import { useHistory } from '../state/use_history.js';
import { Panel } from './panel.js';
import { Plot } from './plot.js';

/** The last five minutes. */
export function EnginePlots({ engine }: { engine: EngineView }) {
  const samples = useHistory(engine);
  const timesMs = samples.map(({ timeMs }) => timeMs);
  const of = (name: Exclude<keyof (typeof samples)[number], 'timeMs'>): number[] => samples.map((one) => one[name]);
  const perSecond = (value: number): string => `${count(value)}/s`;
  return (
    <Panel title="The last five minutes">
      <div class="plots">
        <Plot
          title="Bit rate"
          top={100}
          timesMs={timesMs}
          format={bitRate}
          series={[
            { name: 'received', colour: '--series-1', values: of('receivedKbps') },
            { name: 'sent', colour: '--series-2', values: of('sentKbps') },
          ]}
        />
        <Plot
          title="Pictures"
          top={10}
          timesMs={timesMs}
          format={(value) => `${count(value)} fps`}
          series={[
            { name: 'received', colour: '--series-1', values: of('receivedFps') },
            { name: 'sent', colour: '--series-2', values: of('sentFps') },
          ]}
        />
        <Plot
          title="Frames to programs"
          top={10}
          timesMs={timesMs}
          format={perSecond}
          series={[
            { name: 'delivered', colour: '--series-1', values: of('deliveredPerSecond') },
            { name: 'dropped', colour: '--series-3', values: of('droppedPerSecond') },
          ]}
        />
        <Plot
          title="Lost packets"
          top={5}
          timesMs={timesMs}
          format={perCent}
          series={[{ name: 'of received ones', colour: '--series-3', values: of('lossPercent') }]}
        />
        <Plot
          title="Memory"
          top={50_000_000}
          timesMs={timesMs}
          format={bytes}
          series={[{ name: 'resident', colour: '--series-4', values: of('residentBytes') }]}
        />
        <Plot
          title="CPU"
          top={10}
          timesMs={timesMs}
          format={perCent}
          series={[{ name: 'of one CPU', colour: '--series-4', values: of('cpuPercent') }]}
        />
      </div>
    </Panel>
  );
}
