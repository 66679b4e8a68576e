/** An org unit from a day on; the latest row that has begun holds. `validFrom` is `-infinity` for always. */
export interface OrgUnit {
  readonly id: string;
  readonly validFrom: string;
  readonly parent: string | null;
  readonly name: string | null;
  readonly timeZone: string | null;
  readonly country: string | null;
  readonly region: string | null;
}

export interface OrgTreeProblem {
  readonly id: string;
  readonly validFrom: string;
  readonly field: 'id' | 'parent';
  readonly value: string | null;
  readonly reason: string;
}

/** What keeps dated rows from being one tree on every day: several roots or none, unknown parents, circles. Empty: they are one, or there are no rows. */
export function orgTreeProblems(units: readonly OrgUnit[]): readonly OrgTreeProblem[] {
  const days = [...new Set(units.map(({ validFrom }) => validFrom))].sort(byDay);
  const problems = days.flatMap((day) => problemsOn(day, units));
  return problems.filter((problem, index) => problems.findIndex((other) => other.id === problem.id && other.validFrom === problem.validFrom && other.reason === problem.reason) === index);
}

/** `-infinity` comes first: `-` sorts before digits. */
const byDay = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

function problemsOn(day: string, units: readonly OrgUnit[]): readonly OrgTreeProblem[] {
  const tree = treeOn(day, units);
  const roots = [...tree.values()].filter(({ parent }) => parent === null);
  const problem = ({ id, validFrom, parent }: OrgUnit, field: 'id' | 'parent', reason: string): OrgTreeProblem => ({ id, validFrom, field, value: field === 'id' ? id : parent, reason });
  const circular = [...tree.values()].filter((unit) => isInCircle(unit, tree));
  return [
    ...roots.slice(1).map((unit) => problem(unit, 'parent', `is missing: ${roots[0]?.id} is the root already`)),
    ...[...tree.values()].filter(({ parent }) => parent !== null && !tree.has(parent)).map((unit) => problem(unit, 'parent', 'is no org unit on the day from which the row holds')),
    ...circular.map((unit) => problem(unit, 'parent', 'makes a circle')),
    ...(roots.length === 0 && circular.length === 0 ? [...tree.values()].slice(0, 1).map((unit) => problem(unit, 'parent', 'there is no root: one org unit must have no parent')) : []),
  ];
}

/** The units that have begun by that day. */
function treeOn(day: string, units: readonly OrgUnit[]): ReadonlyMap<string, OrgUnit> {
  const tree = new Map<string, OrgUnit>();
  for (const unit of units) {
    const earlier = tree.get(unit.id);
    if (unit.validFrom <= day && (earlier === undefined || earlier.validFrom < unit.validFrom)) tree.set(unit.id, unit);
  }
  return tree;
}

function isInCircle(unit: OrgUnit, tree: ReadonlyMap<string, OrgUnit>): boolean {
  let above = unit.parent === null ? undefined : tree.get(unit.parent);
  for (let steps = 0; above !== undefined && steps <= tree.size; steps++) {
    if (above.id === unit.id) return true;
    above = above.parent === null ? undefined : tree.get(above.parent);
  }
  return false;
}

/** These units and everything below them, on any day. */
export function subtreesOf(ids: ReadonlySet<string>, units: readonly OrgUnit[]): ReadonlySet<string> {
  const found = new Set(ids);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { id, parent } of units) if (parent !== null && found.has(parent)) found.add(id);
  }
  return found;
}
