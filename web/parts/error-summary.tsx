// Station 1, web: what is to be corrected, above the h1, focused when it arrives (UI.md 5.3).
// The same words stand at each field. Never more than one fault per field.
import type { FieldFault } from '../../domain/refusal.ts';
import type { Text } from '../text/text.ts';
import { fieldId } from './field.tsx';
import { Icon } from './icon.tsx';

/** A fault in words. `field` is the field's name. */
export type FaultWords = { field: string; words: string };

/** Puts the faults of a refusal into words; an unknown key falls back to one that is always true. */
export function faultWords(t: Text, faults: readonly FieldFault[]): FaultWords[] {
  return faults.map(({ field, fault, values }) => ({
    field,
    words: (t.faults[fault] ?? t.faults.notReadable)(values ?? {}),
  }));
}

/** Words of the fault at one field, if there is one. */
export const faultAt = (faults: readonly FaultWords[], field: string): string | undefined =>
  faults.find((fault) => fault.field === field)?.words;

/** Nothing without faults. `at` maps a field name to another element's id where the control is not a Field. */
export function ErrorSummary({
  t,
  faults,
  at = {},
}: {
  t: Text;
  faults: readonly FaultWords[];
  at?: Readonly<Record<string, string>>;
}) {
  if (faults.length === 0) return null;
  return (
    <div
      class="error-summary"
      id="error-summary"
      role="alert"
      tabindex={-1}
      autofocus
      aria-labelledby="error-summary-title"
    >
      <h2 id="error-summary-title">
        <Icon name="octagon-alert" />
        {t.errors.summary(faults.length)}
      </h2>
      <ul>
        {faults.map(({ field, words }) => (
          <li>
            <a href={`#${at[field] ?? fieldId(field)}`}>{words}</a>
          </li>
        ))}
      </ul>
    </div>
  );
}
