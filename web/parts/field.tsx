// Station 1, web: one question of a form with its label, hint, fault and control, tied together by ids.
// Ids follow from the name, so that morphing and the error summary find the same element. Never validates.
import type { Child } from 'hono/jsx';
import type { Text } from '../text/text.ts';
import { Icon } from './icon.tsx';

/** Id of the control (or of the first of several) that belongs to a field name. */
export const fieldId = (name: string): string => `f-${name.replace(/[^A-Za-z0-9_-]/g, '-')}`;

export type Option = {
  value: string;
  label: string;
  /** The language of the label, where it is not the page's. */
  lang?: string;
  hint?: string | undefined;
  /** A key that chooses it (UI.md, Keys), a capital letter. */
  shortcut?: string;
  disabled?: boolean;
};

type Shared = {
  t: Text;
  name: string;
  label: string;
  hint?: string | undefined;
  /** What to do about it, from `faultAt`. */
  fault?: string | undefined;
  optional?: boolean;
  /** Says the label to screen readers only; a heading nearby shows it. */
  hideLabel?: boolean;
};

export type FieldProps = Shared &
  (
    | {
        control?: 'text' | 'email' | 'search' | 'tel';
        value?: string | undefined;
        width?: 'short' | 'medium' | 'full';
        autocomplete?: string;
        maxlength?: number;
        spellcheck?: boolean;
      }
    | { control: 'number'; value?: string | number | undefined; unit?: string; maxlength?: number }
    | { control: 'textarea'; value?: string | undefined; rows?: number; maxlength?: number }
    | { control: 'date'; value?: string | undefined }
    | {
        control: 'select';
        value?: string | undefined;
        options: readonly Option[];
        width?: 'short' | 'medium' | 'full';
      }
    | {
        control: 'radios';
        value?: string | undefined;
        options: readonly Option[];
        layout?: 'row' | 'boxed';
      }
    | {
        control: 'checkboxes';
        value?: readonly string[];
        options: readonly Option[];
        layout?: 'row' | 'boxed';
      }
  );

/**
 * A question. Text-like controls get a `label`; radios and checkboxes a `fieldset` with `legend`.
 * A date is one control `name` with the value `YYYY-MM-DD` in three parts: `name.day`, `name.month`, `name.year`
 * travel in the form and `dateOf` puts them together.
 */
export function Field(props: FieldProps) {
  const { t, name, label, hint, fault, optional, hideLabel } = props;
  const id = fieldId(name);
  const described = [hint ? `${id}-hint` : '', fault ? `${id}-fault` : ''].filter(Boolean).join(' ');
  const aria = {
    ...(described ? { 'aria-describedby': described } : {}),
    ...(fault ? { 'aria-invalid': 'true' as const } : {}),
  };
  const caption = (
    <>
      <span class={hideLabel ? 'visually-hidden' : undefined}>{label}</span>
      {optional && !hideLabel ? <span class="soft"> ({t.words.optional})</span> : null}
    </>
  );
  const notes = (
    <>
      {hint ? (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      ) : null}
      {fault ? (
        <p class="fault" id={`${id}-fault`}>
          <Icon name="octagon-alert" />
          <span>
            <span class="visually-hidden">{t.errors.fieldPrefix} </span>
            {fault}
          </span>
        </p>
      ) : null}
    </>
  );
  const box = fault ? 'field field-bad' : 'field';

  if (props.control === 'radios' || props.control === 'checkboxes') {
    const many = props.control === 'checkboxes';
    const chosen = (value: string) =>
      props.control === 'checkboxes' ? (props.value ?? []).includes(value) : props.value === value;
    return (
      <fieldset class={box} id={`${id}-group`} {...(described ? { 'aria-describedby': described } : {})}>
        <legend class="label">{caption}</legend>
        {notes}
        <div class={props.layout ? `options ${props.layout}` : 'options'}>
          {props.options.map((option, index) => (
            <label class="option">
              <input
                type={many ? 'checkbox' : 'radio'}
                id={index === 0 ? id : `${id}-${index}`}
                name={name}
                value={option.value}
                checked={chosen(option.value)}
                disabled={option.disabled}
                {...(option.shortcut ? { 'aria-keyshortcuts': option.shortcut } : {})}
                {...(option.hint ? { 'aria-describedby': `${id}-${index}-hint` } : {})}
              />
              <span lang={option.lang}>
                {option.label}
                {option.shortcut ? <kbd class="needs-script"> {option.shortcut}</kbd> : null}
              </span>
              {option.hint ? (
                <span class="hint soft" id={`${id}-${index}-hint`}>
                  {option.hint}
                </span>
              ) : null}
            </label>
          ))}
        </div>
      </fieldset>
    );
  }

  if (props.control === 'date') {
    const [year = '', month = '', day = ''] = (props.value ?? '').split('-');
    const part = (key: 'day' | 'month' | 'year', value: string, first: boolean) => (
      <label>
        <span class="sub-label">{t.words[key]}</span>
        <input
          class="control short"
          id={first ? id : `${id}-${key}`}
          name={`${name}.${key}`}
          value={value}
          inputmode="numeric"
          maxlength={key === 'year' ? 4 : 2}
          autocomplete="off"
          {...(fault ? { 'aria-invalid': 'true' as const } : {})}
        />
      </label>
    );
    const parts: Child =
      t.lang === 'en'
        ? [part('day', day, true), part('month', month, false), part('year', year, false)]
        : [part('year', year, true), part('month', month, false), part('day', day, false)];
    return (
      <fieldset class={box} id={`${id}-group`} {...(described ? { 'aria-describedby': described } : {})}>
        <legend class="label">{caption}</legend>
        {notes}
        <div class="control-row">{parts}</div>
      </fieldset>
    );
  }

  return (
    <div class={box}>
      <label class="label" for={id}>
        {caption}
      </label>
      {notes}
      {control(props, id, aria)}
    </div>
  );
}

type Aria = { 'aria-describedby'?: string; 'aria-invalid'?: 'true' };

function control(
  props: Exclude<FieldProps, { control: 'radios' | 'checkboxes' | 'date' }>,
  id: string,
  aria: Aria,
): Child {
  const { name, t } = props;
  switch (props.control) {
    case 'textarea':
      return (
        <textarea
          class="control"
          id={id}
          name={name}
          rows={props.rows ?? 4}
          maxlength={props.maxlength}
          dir="auto"
          {...aria}
        >
          {props.value ?? ''}
        </textarea>
      );
    case 'select':
      return (
        <select class={`control ${props.width ?? 'medium'}`} id={id} name={name} {...aria}>
          {props.value ? null : <option value="">{t.words.choose}</option>}
          {props.options.map((option) => (
            <option value={option.value} selected={option.value === props.value} disabled={option.disabled}>
              {option.label}
            </option>
          ))}
        </select>
      );
    case 'number':
      return (
        <div class="control-row level">
          <input
            class="control short figures"
            id={id}
            name={name}
            value={props.value === undefined ? '' : String(props.value)}
            inputmode="numeric"
            maxlength={props.maxlength ?? 6}
            autocomplete="off"
            {...aria}
          />
          {props.unit ? <span>{props.unit}</span> : null}
        </div>
      );
    default:
      return (
        <input
          class={`control ${props.width ?? 'full'}`}
          id={id}
          name={name}
          type={props.control ?? 'text'}
          value={props.value ?? ''}
          maxlength={props.maxlength}
          autocomplete={props.autocomplete ?? 'off'}
          spellcheck={props.spellcheck ?? false}
          dir="auto"
          {...aria}
        />
      );
  }
}

/** The three parts of a date field as `YYYY-MM-DD`, or the parts as typed when they make no date: the form then says so. */
export function dateOf(form: Readonly<Record<string, unknown>>, name: string): string {
  const part = (key: string) => String(form[`${name}.${key}`] ?? '').trim();
  const [year, month, day] = [part('year'), part('month'), part('day')];
  if (!year && !month && !day) return '';
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}
