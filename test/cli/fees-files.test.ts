import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

// The built command, as people run it; `npm test` builds first.
const main = fileURLToPath(new URL('../../dist/workers/cli/main.js', import.meta.url));

const table = `feeTable: t
currency: EUR
validFrom: 2026-01-01
charges: { c: { scope: order } }
rules: [{ id: r, charge: c, on: booked, amount: { fixed: 10 } }]
`;
const caseOf = (gross: string, more = ''): string => `case: one
tables: [{ version: 1, file: t.yaml }]
assignments: [{ default: true, table: t }]
order: { ref: O-1, source: gds, events: [{ eventId: e1, type: booked, occurredAt: "2026-05-04T10:00:00Z", booking: { items: [{ id: i1, product: flight }] } }] }
expect: { standing: [{ transaction: e1, rule: r, gross: "${gross}" }] }
${more}`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midline-fees-'));
  await writeFile(join(folder, 't.yaml'), table);
  await writeFile(join(folder, 'good.yaml'), caseOf('10.00'));
  await writeFile(join(folder, 'wrong.yaml'), caseOf('11.00'));
  await writeFile(join(folder, 'invalid.yaml'), caseOf('10.00', 'sauce: gds'));
  await writeFile(join(folder, 'dead.yaml'), table.replace('rules: [', 'rules: [{ id: a, priority: 1, charge: c, on: booked, amount: none }, '));
  await writeFile(join(folder, 'base-missing.yaml'), table.replace('feeTable: t', 'feeTable: u\nextends: base'));
  await writeFile(join(folder, 'refused.yaml'), caseOf('10.00').replace('file: t.yaml', 'yaml: "feeTable: t"'));
});

afterAll(() => rm(folder, { recursive: true }));

function fees(...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(process.execPath, [main, 'fees', ...args], { env: { PATH: process.env['PATH'] }, cwd: folder });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  return new Promise((resolve) => child.on('close', (code) => { resolve({ code, out }); }));
}

describe('midline fees rate', () => {
  test('prints the ledger of a case; tables named by it are read beside it; no server is needed', async () => {
    const { code, out } = await fees('rate', 'good.yaml');
    expect(out).toMatch(/e1 +booked +order +c +r +t 1 +10\.00 +0\.00 +10\.00 +EUR/);
    expect(code).toBe(0);
  });

  test('--json prints case, standing and appended', async () => {
    const { code, out } = await fees('rate', 'good.yaml', '--json');
    const line = { transaction: 'e1', unit: 'order', charge: 'c', rule: 'r', table: 't', version: 1, net: '10.00', vat: '0.00', gross: '10.00', currency: 'EUR' };
    expect(JSON.parse(out)).toEqual({ case: 'one', standing: [{ ...line, type: 'booked' }], appended: [[{ ...line, type: 'charge', transactionType: 'booked' }]] });
    expect(code).toBe(0);
  });

  test('--explain tells why', async () => {
    expect((await fees('rate', 'good.yaml', '--explain')).out).toContain('✓ r wins');
  });

  test('refused tables and invalid cases end with 2', async () => {
    expect(await fees('rate', 'refused.yaml')).toEqual({ code: 2, out: expect.stringContaining('currency is missing') });
    expect(await fees('rate', 'invalid.yaml')).toEqual({ code: 2, out: expect.stringContaining('sauce') });
  });
});

describe('midline fees test', () => {
  test('0 where all is as expected', async () => {
    expect(await fees('test', 'good.yaml')).toEqual({ code: 0, out: '✓ one\n1 of 1 cases as expected\n' });
  });

  test('1 where something differs, with the difference and its explanation', async () => {
    const { code, out } = await fees('test', 'good.yaml', 'wrong.yaml');
    expect(out).toContain('standing: missing {"transaction":"e1","rule":"r","gross":"11.00"}');
    expect(out).toContain('✓ r wins');
    expect(out).toContain('1 of 2 cases as expected');
    expect(code).toBe(1);
  });

  test('2 where a case is invalid', async () => {
    expect((await fees('test', 'invalid.yaml', 'good.yaml')).code).toBe(2);
  });
});

describe('midline fees lint', () => {
  test('finds nothing in a sound table', async () => {
    expect(await fees('lint', 't.yaml')).toEqual({ code: 0, out: 't.yaml: nothing found\n' });
  });

  test('tells file, line, rule, problem and remedy, with exit code 1', async () => {
    const { code, out } = await fees('lint', 'dead.yaml', 't.yaml');
    expect(code).toBe(1);
    expect(out).toBe('dead.yaml:5: error: rule r, when: it can never win: wherever it holds, a holds too and goes before it (priority 1 > 0); remove it, narrow a, or give it a higher priority [dead-rule]\nt.yaml: nothing found\n');
    expect(JSON.parse((await fees('lint', 'dead.yaml', '--json')).out)).toMatchObject([{ file: 'dead.yaml', problems: [], findings: [{ kind: 'dead-rule', rule: 'r', line: 5 }] }]);
  });

  test('a file that is no table, or whose base is not given, is told with exit code 2', async () => {
    const { code, out } = await fees('lint', 'base-missing.yaml', 'good.yaml');
    expect(code).toBe(2);
    expect(out).toContain('extends is base, allowed is a table with an approved version on 2026-01-01: base has none; give its file too');
    expect(out).toMatch(/good\.yaml has \d+ problems/);
  });
});

describe('midline fees diff', () => {
  test('compares two files', async () => {
    expect(await fees('diff', 't.yaml', 't.yaml')).toEqual({ code: 0, out: 't.yaml → t.yaml: no difference\n' });
    const { code, out } = await fees('diff', 't.yaml', 'dead.yaml');
    expect(code).toBe(1);
    expect(out).toBe('t.yaml → dead.yaml:\n+ rule a {"id":"a","charge":"c","on":"booked","priority":"1","amount":"none"}\n');
  });
});
