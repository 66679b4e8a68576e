import type { Command } from 'commander';
import { applySource, type AppliedSource } from '../actions/apply-source.js';
import { loadSourceMap, shippedMaps } from '../sources/source-map.js';
import { findSource, listSources, type SourceRow } from '../store/sources.js';
import { actor, withDatabase } from './connect.js';
import { examples, formatTable, printResult } from './output.js';
import { registerSourceFileCommands } from './sources-files.js';

interface JsonOption {
  readonly json?: boolean;
}

export function registerSources(program: Command): void {
  const sources = program.command('sources').description('reservation systems: what midline knows of them, and their maps');

  sources
    .command('apply')
    .description("make sources what the heads of their maps say (org unit, time zone, fee policy, declared kinds) and keep the maps, by which raw topics are mapped; doing it again does nothing")
    .argument('<map...>', 'shipped maps by name, or paths of map files')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline sources apply hotel-pms', 'midline sources apply ./our-crs.yaml --json'))
    .action(async (names: readonly string[], options: JsonOption) => {
      const maps = await Promise.all(names.map(loadSourceMap));
      const applied = await withDatabase(async (database) => {
        const results: AppliedSource[] = [];
        for (const map of maps) results.push(await applySource(database, map, actor(), new Date()));
        return results;
      });
      printResult(applied, options, (results) => results.map(appliedSentence).join('\n'));
    });

  sources
    .command('list')
    .description('list the sources that were applied or met in events')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline sources list'))
    .action(async (options: JsonOption) => {
      const rows = await withDatabase(listSources);
      printResult(rows.map((row) => ({ ...row, orders: Number(row.orders) })), options, (list) => formatTable(
        ['SOURCE', 'ORG UNIT', 'TIME ZONE', 'FEES', 'KINDS', 'MAP', 'ORDERS'],
        list.map(({ id, orgUnit, timeZone, feePolicy, kinds, map, orders }) => [id, orgUnit, timeZone, feePolicy, kinds.join(', '), map, orders]),
        'No source was applied or met yet.',
      ));
    });

  sources
    .command('show')
    .description('show one source')
    .argument('<source>', 'its id')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline sources show hotel-pms'))
    .action(async (id: string, options: JsonOption) => {
      const row = await withDatabase((database) => findSource(database, id));
      if (row === undefined) throw new Error(`No source is called ${id}; see: midline sources list`);
      printResult(row, options, sourceText);
    });

  sources
    .command('maps')
    .description('list the maps that come with midline')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline sources maps'))
    .action(async (options: JsonOption) => {
      const maps = await Promise.all((await shippedMaps()).map(loadSourceMap));
      printResult(maps.map(({ origin, source, name, format }) => ({ map: origin, source, name, format })), options, (list) => formatTable(
        ['MAP', 'SOURCE', 'FORMAT', 'NAME'],
        list.map(({ map, source, format, name }) => [map, source, format, name]),
      ));
    });

  registerSourceFileCommands(sources);
}

function appliedSentence({ source, outcome, differences, mapStored, staleOrders }: AppliedSource): string {
  const changes = differences.map(({ field, from, to }) => `${field} ${from || 'none'} → ${to || 'none'}`).join(', ');
  return `${source}: ${outcome}${changes === '' ? '' : ` (${changes})`}${mapStored ? '; its map is stored' : ''}${staleOrders > 0 ? `; ${staleOrders} orders will be rated again` : ''}`;
}

function sourceText({ id, orgUnit, timeZone, feePolicy, kinds, map, appliedAt }: SourceRow): string {
  return formatTable(['FIELD', 'VALUE'], [
    ['source', id],
    ['org unit', orgUnit ?? 'the root'],
    ['time zone', timeZone],
    ['fee policy', feePolicy],
    ['declared kinds', kinds.join(', ') || 'none'],
    ['map', map ?? 'never applied: these are the defaults'],
    ['applied', appliedAt?.toISOString() ?? 'never'],
  ]);
}
