import { z } from 'zod';

const column = z.string('must be the name of a column').trim().min(1, 'must be the name of a column');
const columns = z.union([column.transform((name) => [name]), z.array(column)], 'must be a column or a list of columns');

const single = [
  'salutation', 'title', 'givenName', 'familyName', 'fullName', 'companyName', 'birthDate', 'gender', 'language', 'nationality',
  'street', 'houseNumber', 'postalCode', 'city', 'region', 'country', 'vatId', 'maritalStatus', 'debitorNumber', 'registerNumber', 'company', 'parent', 'validFrom',
] as const;

const singleColumns = Object.fromEntries(single.map((name) => [name, column.optional()])) as Record<(typeof single)[number], z.ZodOptional<typeof column>>;

/** Where the columns of the customers file stand in a file of somebody else. */
export const columnMapSchema = z.strictObject({
  /** The column that names the record: its external id. */
  record: column,
  /** What the records are; left out: as each one says. */
  kind: z.enum(['person', 'company'], 'must be person or company').optional(),
  columns: z.strictObject({
    ...singleColumns,
    emails: columns.optional(),
    phones: columns.optional(),
    /** The column of the number, by programme. */
    loyalty: z.record(z.string().min(1), column, 'must have a column for each programme').optional(),
    attributes: z.record(z.string().min(1), column, 'must have a column for each attribute').optional(),
  }),
});

export type ColumnMap = z.output<typeof columnMapSchema>;

/** The columns that a map reads. */
export function columnsOfMap({ record, columns: { emails = [], phones = [], loyalty = {}, attributes = {}, ...rest } }: ColumnMap): readonly string[] {
  return [record, ...Object.values(rest).filter((name) => name !== undefined), ...emails, ...phones, ...Object.values(loyalty), ...Object.values(attributes)];
}

/** A record of such a file as a record of the customers file; names of columns and values without blanks around them. */
export function mappedRecord(map: ColumnMap, record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const cells = new Map(Object.entries(record).map(([name, value]) => [name.trim(), typeof value === 'string' ? value.trim() : value]));
  const textOf = (name: string): string => {
    const value = cells.get(name);
    return typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value);
  };
  const { emails = [], phones = [], loyalty = {}, attributes = {}, ...rest } = map.columns;
  const given = (names: readonly string[]): readonly string[] => names.map(textOf).filter((value) => value !== '');
  return {
    ...Object.fromEntries(Object.entries(rest).flatMap(([field, name]) => (name === undefined || textOf(name) === '' ? [] : [[field, textOf(name)]]))),
    externalId: textOf(map.record), ...(map.kind !== undefined && { kind: map.kind }), emails: given(emails), phones: given(phones),
    loyalty: Object.entries(loyalty).flatMap(([program, name]) => (textOf(name) === '' ? [] : [`${program}:${textOf(name)}`])),
    attributes: Object.fromEntries(Object.entries(attributes).flatMap(([field, name]) => (textOf(name) === '' ? [] : [[field, textOf(name)]]))),
  };
}
