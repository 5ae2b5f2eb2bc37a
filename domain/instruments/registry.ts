// Station 0, rules: the list of instruments this product knows. A new one is its file and one line here.
// Everything that offers, checks or shows an instrument asks this list; nothing knows one by name.
import { barthel } from './barthel.ts';
import type { Instrument } from './instrument.ts';
import { phq9 } from './phq9.ts';
import { sixMinuteWalk } from './six-minute-walk.ts';

/** All instruments, in the order in which they are offered. */
export const INSTRUMENTS: readonly Instrument[] = [barthel, sixMinuteWalk, phq9];

/** The instrument with this id, or undefined. */
export function instrumentById(id: string): Instrument | undefined {
  return INSTRUMENTS.find((instrument) => instrument.id === id);
}
