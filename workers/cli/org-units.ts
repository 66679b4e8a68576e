import type { Command } from 'commander';
import { importOrgUnits, type OrgUnitImport } from '../actions/import-org-units.js';
import { readOrgUnits } from '../store/org-units.js';
import { actor, withDatabase } from './connect.js';
import { examples, formatTable, printResult } from './output.js';
import { problemLines } from './problems.js';

interface JsonOption {
  readonly json?: boolean;
}

/** `midline org-units …` */
export function registerOrgUnits(program: Command): void {
  const orgUnits = program.command('org-units').description('our own side: group, brands, branches, teams');
  orgUnits
    .command('import')
    .description('insert or update org units; all of the file, or nothing where anything is wrong with it')
    .argument('<file>', '.csv or .yaml with id, parent, name, timeZone, country, region, validFrom')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline org-units import org-units.yaml', 'midline org-units import org-units.csv --json'))
    .action(async (file: string, options: JsonOption) => {
      const result = await withDatabase((database) => importOrgUnits(database, { file, actor: actor(), now: new Date() }));
      printResult(result, options, importText);
      if (result.problems.length > 0) process.exitCode = 1;
    });
  orgUnits
    .command('list')
    .description('all org units, a row for each day from which one is different')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline org-units list', 'midline org-units list --json'))
    .action(async (options: JsonOption) => {
      const units = (await withDatabase(readOrgUnits)).map((unit) => ({ ...unit, validFrom: unit.validFrom === '-infinity' ? null : unit.validFrom }));
      printResult(units, options, (rows) => formatTable(
        ['org unit', 'from', 'parent', 'name', 'time zone', 'country', 'region'],
        rows.map(({ id, validFrom, parent, name, timeZone, country, region }) => [id, validFrom ?? 'always', parent, name, timeZone, country, region]),
        'No org units.',
      ));
    });
}

const importText = ({ rows, changed, stale, problems }: OrgUnitImport): string => [
  ...problemLines(problems),
  problems.length > 0 ? 'Nothing was changed.' : `${rows} rows: ${changed} new or changed.`,
  ...(stale > 0 ? [`${stale} orders will be rated again.`] : []),
].join('\n');
