import { columnsOfMap, type ColumnMap } from '../../schemas/column-map.js';
import { customerRecordOf, customerRowSchema } from '../../schemas/customers-file.js';
import { UnreadableFileError } from '../sources/record.js';

/** Refuses a CSV file whose columns are not those of the customers file, or not those that a map reads: each of its rows would have the same problem. */
export function assertColumns(columns: readonly string[], map: ColumnMap | undefined): void {
  const names = columns.map((name) => name.trim());
  const missing = (map === undefined ? ['externalId'] : columnsOfMap(map)).filter((name) => !names.includes(name));
  if (missing.length > 0) throw new UnreadableFileError(`there is no column ${missing.join(', ')}; there is ${names.join(', ')}. ${map === undefined ? forOthers : 'The map names columns as the first line does.'}`);
  if (map !== undefined) return;
  const unknown = unknownColumns(columns);
  if (unknown.length > 0) throw new UnreadableFileError(`a column cannot be called ${unknown.map((name) => JSON.stringify(name)).join(', ')}: docs/customers.md lists the columns. ${forOthers}`);
}

const forOthers = 'A file with other columns is read by a map of them: --map FILE.';

/** What the schema says of a row that gives nothing but its id. */
function unknownColumns(columns: readonly string[]): readonly string[] {
  const parsed = customerRowSchema.safeParse(customerRecordOf({ ...Object.fromEntries(columns.map((name) => [name, ''])), externalId: 'x' }));
  const issues = parsed.error?.issues ?? [];
  return issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : issue.code === 'invalid_key' ? [`attribute.${String(issue.path.at(-1))}`] : []));
}
