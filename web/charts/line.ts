// Station 1, web: the geometry of a small line chart, as numbers only. Colours, fonts and words are elsewhere.
// Pure: same points, same numbers. Across in per cent and up in pixels, so that the drawing widens and its text does not.

import { scaleLinear, scaleUtc } from 'd3-scale';

export type LinePoint = { at: Date; value: number };
export type LineChart = {
  height: number;
  /** Pixels from the top at which the drawing begins and ends. */
  top: number;
  bottom: number;
  /** `x` in per cent of the drawing's width, `y` in pixels. */
  points: { x: number; y: number; value: number; at: Date }[];
  ticks: { y: number; value: number }[];
  goal: number | undefined;
  /** Measurement error round the first point. */
  band: { y: number; height: number } | undefined;
};

/**
 * Lays out a chart `height` pixels high. The value axis spans at least the points, the goal and the band round the
 * first point; it is cut at `range`, so that a scale never shows scores that cannot be.
 */
export function lineChart(
  points: readonly LinePoint[],
  options: {
    height: number;
    range: readonly [number, number];
    goal?: number | undefined;
    error?: number | undefined;
  },
): LineChart {
  const { height, range, goal, error } = options;
  const top = 16;
  const bottom = height - 28;
  const baseline = points[0]?.value;
  const seen = points.map((point) => point.value);
  if (goal !== undefined) seen.push(goal);
  if (baseline !== undefined && error !== undefined) seen.push(baseline - error, baseline + error);
  const low = Math.max(range[0], Math.min(...seen, Number.POSITIVE_INFINITY));
  const high = Math.min(range[1], Math.max(...seen, Number.NEGATIVE_INFINITY));
  // A twentieth of the whole range at least: one value, or two alike, must not look like a cliff.
  const pad = Math.max((high - low) * 0.15, (range[1] - range[0]) * 0.05);
  const y = scaleLinear()
    .domain(seen.length > 0 ? [Math.max(range[0], low - pad), Math.min(range[1], high + pad)] : [...range])
    .nice(4)
    .range([bottom, top]);
  const times = points.map((point) => point.at.getTime());
  const first = Math.min(...times);
  const last = Math.max(...times);
  // One moment has no span: give it a day on both sides, so that it stands in the middle and not on the axis.
  const day = 86_400_000;
  const x = scaleUtc()
    .domain(
      first === last ? [new Date(first - day), new Date(last + day)] : [new Date(first), new Date(last)],
    )
    .range([4, 96]);
  const edge = (value: number) => round(y(Math.min(Math.max(value, range[0]), range[1])));
  return {
    height,
    top,
    bottom,
    points: points.map((point) => ({
      x: round(x(point.at)),
      y: round(y(point.value)),
      value: point.value,
      at: point.at,
    })),
    ticks: y.ticks(4).map((value) => ({ y: round(y(value)), value })),
    goal: goal === undefined ? undefined : edge(goal),
    band:
      baseline === undefined || error === undefined
        ? undefined
        : { y: edge(baseline + error), height: round(edge(baseline - error) - edge(baseline + error)) },
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;
