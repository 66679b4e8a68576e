/** What is wrong or risky in a fee table that can be read. */
export interface FeeFinding {
  readonly kind: string;
  /** error: something is certainly without effect; warning: it may be meant. */
  readonly level: 'error' | 'warning';
  /** Null: not of one rule. */
  readonly rule: string | null;
  /** Where it stands, for example `when.price`. */
  readonly field: string;
  readonly problem: string;
  readonly remedy: string;
}
