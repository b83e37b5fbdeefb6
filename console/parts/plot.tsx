import uPlot from 'uplot';
import { useEffect, useRef, useState } from 'preact/hooks';
import { colour, useTheme } from '../state/use_theme.js';

export interface Series {
  name: string;
  /** A custom property: "--series-1". */
  colour: string;
  values: readonly number[];
}

interface PlotProps {
  title: string;
  /** Unix times in milliseconds. */
  timesMs: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
  /** What the axis reaches at least, so that noise does not look like much. */
  top: number;
}

const HEIGHT = 136;
const SPAN_S = 5 * 60;

/** The last five minutes of some figures. The legend above it tells the newest, or those under the pointer. */
export function Plot({ title, timesMs, series, format, top }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [pointed, setPointed] = useState<number | undefined>(undefined);
  const theme = useTheme();
  const data = [timesMs.map((ms) => ms / 1000), ...series.map(({ values }) => [...values])] as uPlot.AlignedData;
  const names = series.map(({ name }) => name).join(' ');

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const created = new uPlot(optionsOf(element.clientWidth, { series, format, top }, setPointed), data, element);
    plot.current = created;
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
      plot.current = undefined;
    };
  }, [theme, names]);
  useEffect(() => plot.current?.setData(data), [timesMs.at(-1), timesMs.length]);

  const index = pointed ?? timesMs.length - 1;
  const legend = series.map(({ name, colour: property, values }) => ({
    name,
    property,
    text: values[index] === undefined ? '–' : format(values[index]),
  }));
  return (
    <figure class="plot">
      <figcaption>
        <span class="plot-title">{title}</span>
        <span class="plot-legend">
          {legend.map(({ name, property, text }) => (
            <span key={name} class="plot-entry">
              <i class={`swatch swatch${property}`} aria-hidden="true" />
              {series.length > 1 && `${name} `}
              <b>{text}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div
        ref={place}
        role="img"
        aria-label={`${title}, the last five minutes. Now: ${legend.map(({ name, text }) => `${name} ${text}`).join(', ')}`}
      />
    </figure>
  );
}

function optionsOf(
  width: number,
  { series, format, top }: Pick<PlotProps, 'series' | 'format' | 'top'>,
  point: (index: number | undefined) => void,
): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: colour('--ink-quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    hooks: { setCursor: [(self) => point(self.cursor.idx ?? undefined)] },
    scales: {
      x: { time: true, range: (_self, _low, high) => [high - SPAN_S, high] },
      // From zero, and never flat: a line of zeros lies at the bottom.
      y: { range: (_self, _low, high) => [0, Math.max(high * 1.15, top)] },
    },
    axes: [
      { ...axis, size: 26, incrs: [60, 120, 300], values: (_self, times) => times.map(hoursAndMinutes) },
      { ...axis, size: 76, space: 30, values: (_self, values) => values.map(format) },
    ],
    series: [
      {},
      ...series.map(({ name, colour: property }) => ({
        label: name,
        stroke: colour(property),
        width: 1.75,
        fill: `color-mix(in srgb, ${colour(property)} 12%, transparent)`,
        points: { show: false },
      })),
    ],
  };
}

function hoursAndMinutes(timeS: number): string {
  const time = new Date(timeS * 1000);
  return `${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`;
}
