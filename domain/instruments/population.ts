// Station 0, rules: for whom a figure of change holds, read from the diagnosis that an application names. Pure data. A code
// that is not here belongs to no population, and then no change is called real.
import type { Population } from './instrument.ts';

/** SNOMED CT codes of reasons, each with the population in which our figures were measured. */
const POPULATIONS: Readonly<Record<string, Population>> = {
  '230690007': 'stroke', // Stroke
  '432504007': 'stroke', // Cerebral infarction
  '274100004': 'stroke', // Cerebral haemorrhage
  '13645005': 'chronic-respiratory', // Chronic obstructive lung disease
  '185086009': 'chronic-respiratory', // Chronic obstructive bronchitis
  '87433001': 'chronic-respiratory', // Pulmonary emphysema
  '84114007': 'heart-failure', // Heart failure
  '88805009': 'heart-failure', // Chronic congestive heart failure
};

/** The population of a case by its reason's code (`system|code`, or the code alone), or null when we have no figure for it. */
export const populationOf = (reasonCode: string | null): Population | null =>
  (reasonCode !== null ? POPULATIONS[reasonCode.slice(reasonCode.lastIndexOf('|') + 1)] : undefined) ?? null;
