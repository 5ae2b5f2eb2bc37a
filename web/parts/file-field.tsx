// Station 1, web: choosing files of a record, with label, hint and fault tied together by ids as in every field.
// Its name is always `file`, which is what web/upload.ts reads. Never looks into a file.
import type { Text } from '../text/text.ts';
import { Icon } from './icon.tsx';

/** A control for FHIR files. The form around it must be `multipart/form-data`. */
export function FileField({
  t,
  label,
  hint,
  fault,
  multiple = false,
}: {
  t: Text;
  label: string;
  hint?: string | undefined;
  fault?: string | undefined;
  multiple?: boolean;
}) {
  const described = [hint ? 'f-file-hint' : '', fault ? 'f-file-fault' : ''].filter(Boolean).join(' ');
  return (
    <div class={fault ? 'field field-bad' : 'field'}>
      <label class="label" for="f-file">
        {label}
      </label>
      {hint ? (
        <p class="hint" id="f-file-hint">
          {hint}
        </p>
      ) : null}
      {fault ? (
        <p class="fault" id="f-file-fault">
          <Icon name="octagon-alert" />
          <span>
            <span class="visually-hidden">{t.errors.fieldPrefix} </span>
            {fault}
          </span>
        </p>
      ) : null}
      <input
        class="control full"
        type="file"
        id="f-file"
        name="file"
        multiple={multiple}
        accept="application/json,application/fhir+json,.json"
        {...(described ? { 'aria-describedby': described } : {})}
        {...(fault ? { 'aria-invalid': 'true' as const } : {})}
      />
    </div>
  );
}
