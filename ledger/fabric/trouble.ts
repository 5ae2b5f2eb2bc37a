// Station 6, the four kinds of bad news from the chain, told apart where they arise.
// Promise: whoever catches one knows whether to ask again, to look first, or to stop. Never holds patient data.
import type { Organisation } from '../../domain/consortium.ts';

/** What one organisation answered when it did not do what was asked. */
export type Objection =
  | { readonly organisation: Organisation; readonly kind: 'down'; readonly message: string }
  | { readonly organisation: Organisation; readonly kind: 'differs'; readonly message: string }
  | {
      readonly organisation: Organisation;
      readonly kind: 'refused';
      /** The chaincode's code, `FAULT` when it broke, or Fabric's own reason in `message`. */
      readonly code: string;
      readonly message: string;
      readonly facts: Readonly<Record<string, string | number>>;
    };

/** Refusal: so many organisations said no that the batch cannot pass. Sending the same again gives the same. */
export class ChainRefusal extends Error {
  override readonly name = 'ChainRefusal';
  readonly code: string;
  readonly objections: readonly Objection[];
  constructor(code: string, objections: readonly Objection[]) {
    super(`Chain refused; look at the reason before sending again: ${code} ${describe(objections)}`);
    this.code = code;
    this.objections = objections;
  }
}

/** Fault: too few organisations answer. Nothing was sent to the orderers; ask again later. */
export class ChainFault extends Error {
  override readonly name = 'ChainFault';
  readonly objections: readonly Objection[];
  constructor(objections: readonly Objection[]) {
    super(`Chain cannot be asked now; it will be asked again: ${describe(objections)}`);
    this.objections = objections;
  }
}

/** Unknown: the transaction went out and its outcome did not come back. Read the head before sending again. */
export class ChainUnknown extends Error {
  override readonly name = 'ChainUnknown';
  constructor(during: 'submit' | 'commit', cause: unknown) {
    super(`Outcome is unknown; read the chain's head before sending again: ${during}`, { cause });
  }
}

/** Roots in hex, by who holds them. */
export type Disagreement = {
  readonly size: number;
  readonly roots: Readonly<Partial<Record<Organisation | 'log', string>>>;
};

/**
 * Tamper: two stores disagree about bytes that can never differ. Never caught except at the root of a process.
 * `peers-differ`: two peers hold different roots at one size. `log-differs`: the chain holds another root than our
 * log at one size. `log-behind`: the chain holds more leaves than our log ever gave.
 */
export class TamperError extends Error {
  override readonly name = 'TamperError';
  readonly kind: 'log-behind' | 'log-differs' | 'peers-differ';
  readonly disagreement: Disagreement;
  constructor(kind: TamperError['kind'], disagreement: Disagreement) {
    super(`Stores disagree; stop, keep all of them and run verify: ${kind} ${JSON.stringify(disagreement)}`);
    this.kind = kind;
    this.disagreement = disagreement;
  }
}

function describe(objections: readonly Objection[]): string {
  return objections
    .map((each) => `${each.organisation} ${each.kind === 'refused' ? each.code : each.kind}: ${each.message}`)
    .join('; ');
}
