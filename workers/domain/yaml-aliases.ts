import { type Alias, type Document, isAlias, isCollection, isPair, isScalar } from 'yaml';

/** What is wrong with an alias (`*name`) of a YAML file, in words that follow "is no YAML:". */
interface AliasProblem {
  readonly alias: Alias;
  readonly problem: string;
}

/** Ten lists of ten aliases each, nine levels deep, are a billion values in half a kilobyte. No honest file comes near a million. */
const mostRepeated = 1_000_000;

/**
 * The first alias that makes the document unreadable: of a name that no value before it has, inside the value that it stands for, or one too many.
 * Without one the document is a finite tree of values.
 */
export function aliasProblem(document: Document): AliasProblem | undefined {
  /** How many values a name stands for; names are given in the order of the file, and given anew. */
  const sizes = new Map<string, number>();
  let repeated = 0;
  let found: AliasProblem | undefined;

  function sizeOf(node: unknown): number {
    if (isAlias(node)) return sizeOfAlias(node);
    if (isPair(node)) return sizeOf(node.key) + sizeOf(node.value);
    const size = isCollection(node) ? node.items.reduce<number>((sum, item) => sum + sizeOf(item), 1) : 1;
    if ((isCollection(node) || isScalar(node)) && node.anchor !== undefined) sizes.set(node.anchor, size);
    return size;
  }

  function sizeOfAlias(alias: Alias): number {
    const size = sizes.get(alias.source);
    repeated += size ?? 0;
    if (size === undefined) found ??= { alias, problem: `*${alias.source} stands for nothing that ends before it` };
    else if (repeated > mostRepeated) found ??= { alias, problem: `what its aliases stand for is more than ${mostRepeated} values` };
    return size ?? 0;
  }

  sizeOf(document.contents);
  return found;
}
