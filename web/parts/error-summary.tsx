// Station 1, web: what is to be corrected, above the h1, focused when it arrives (UI.md 5.3).
// The same words stand at each field. Never more than one fault per field, and no two lines that read alike.
import { instrumentById } from '../../domain/instruments/registry.ts';
import type { FieldFault } from '../../domain/refusal.ts';
import type { Discipline } from '../../domain/roles.ts';
import type { Text } from '../text/text.ts';
import { fieldId } from './field.tsx';
import { Icon } from './icon.tsx';

/** A fault in words. `field` is the field's name; `about` the question, where the words alone do not say which is meant. */
export type FaultWords = { field: string; words: string; about?: string | undefined };

/** Questions of one form, by field name, where they read otherwise than elsewhere. */
export type Questions = Readonly<Record<string, string>>;

/** Faults whose words say what to do and not about what. */
const NAMELESS: ReadonlySet<string> = new Set([
  'required',
  'tooLong',
  'controlCharacters',
  'notADate',
  'inFuture',
  'notANumber',
  'outOfRange',
  'offStep',
  'chooseOne',
  'notReadable',
]);

/** The question that a field asks; undefined where it has none of its own. */
function questionOf(t: Text, field: string, own: Questions): string | undefined {
  const [first = '', ...rest] = field.split('.');
  const inner = rest.join('.');
  if (first === 'm') {
    const [id = '', ...item] = rest;
    return instrumentById(id)?.items.find((one) => one.id === item.join('.'))?.text[t.lang];
  }
  if (first === 'sessions' && inner in t.disciplines) return t.fields.sessionsOf(inner as Discipline);
  const label = own[first] ?? (t.fields as Readonly<Record<string, unknown>>)[first];
  return typeof label === 'string' ? label : undefined;
}

/** Puts the faults of a refusal into words; an unknown key falls back to one that is always true. */
export function faultWords(t: Text, faults: readonly FieldFault[], own: Questions = {}): FaultWords[] {
  return faults.map(({ field, fault, values }) => ({
    field,
    words: (t.faults[fault] ?? t.faults.notReadable)(values ?? {}),
    ...(NAMELESS.has(fault) || !(fault in t.faults) ? { about: questionOf(t, field, own) } : {}),
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
        {faults.map(({ field, words, about }) => (
          <li>
            <a href={`#${at[field] ?? fieldId(field)}`}>{about ? t.errors.about(about, words) : words}</a>
          </li>
        ))}
      </ul>
    </div>
  );
}
