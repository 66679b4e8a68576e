import type { ServiceEnvironment } from '../services/start.js';
import { bookingEventsTopic } from '../workers/topics/names.js';
import type { Running } from './measure.js';
import { startNaiveWay } from './naive-way.js';
import { startPipeline } from './pipeline.js';
import { isMeasured, type BenchSettings } from './settings.js';

/** Of the topic, and so the most lanes that can work at once. */
export const partitions = 6;

const fenceGroup = 'bench';

/** One of the ways that are compared. */
export interface Way {
  readonly name: string;
  readonly facts: 'naive' | 'midline';
  readonly group: (run: number) => string;
  readonly start: (environment: ServiceEnvironment, group: string) => Promise<Running>;
}

/** What is measured, in the order of a round. */
export function waysOf(settings: BenchSettings): readonly Way[] {
  return [
    ...(isMeasured(settings, 'naive') ? [naiveWay(1), naiveWay(partitions)] : []),
    ...(isMeasured(settings, 'pipeline') ? settings.lanes.map((lanes) => pipelineWay(lanes, settings.profileFolder)) : []),
  ];
}

export const naiveWay = (partitionsAtOnce: number): Way => ({
  name: partitionsAtOnce === 1 ? 'naive, one partition at a time' : `naive, ${partitionsAtOnce} partitions at once`,
  facts: 'naive',
  group: (run) => `naive-${partitionsAtOnce}-${run}`,
  start: (environment, group) => startNaiveWay(environment, { topic: bookingEventsTopic, group, partitionsAtOnce }),
});

/** Always the same group: the fence of the history stands under its name. */
export const pipelineWay = (lanes: number, profileFolder: string | null): Way => ({
  name: `midline, ${lanes} lanes`,
  facts: 'midline',
  group: () => fenceGroup,
  start: (environment, group) => startPipeline(environment, {
    topic: bookingEventsTopic, group, partitionsAtOnce: lanes, nodeOptions: profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`],
  }),
});
