// Station 1, web: the page on which people read in a record, and what became of each file. Names of files are text of others.

import { Field } from '../parts/field.tsx';
import { FileField } from '../parts/file-field.tsx';
import { Icon } from '../parts/icon.tsx';
import { Notice } from '../parts/notice.tsx';
import { Said } from '../parts/said.tsx';
import { Tag } from '../parts/tag.tsx';
import type { Text } from '../text/text.ts';
import type { DraftContent } from './record-draft.ts';

/** What became of one file. */
export type Taken =
  | { readonly kind: 'draft'; readonly name: string; readonly id: string; readonly content: DraftContent }
  | {
      readonly kind: 'duplicate';
      readonly name: string;
      readonly of: 'draft' | 'application';
      readonly id: string | null;
    }
  | {
      readonly kind: 'refused';
      readonly name: string;
      readonly faults: readonly { readonly code: string; readonly path: string; readonly message: string }[];
    };

export function ImportForm({
  t,
  fault,
  doctor = false,
}: {
  t: Text;
  fault?: string | undefined;
  doctor?: boolean;
}) {
  return (
    <form class="form-page" method="post" action="/apply/import" enctype="multipart/form-data">
      {doctor ? <Notice tone="note">{t.importing.cannotSend}</Notice> : null}
      <FileField t={t} label={t.importing.file} hint={t.importing.fileHint} fault={fault} multiple />
      <Field t={t} control="textarea" name="text" label={t.importing.text} optional rows={6} />
      <div class="actions">
        <button class="button primary" type="submit">
          <Icon name="upload" />
          {t.importing.read}
        </button>
      </div>
    </form>
  );
}

export function ImportResults({ t, taken }: { t: Text; taken: readonly Taken[] }) {
  return (
    <div class="stack">
      <ul class="plain stack-tight">
        {taken.map((one) => (
          <li class="card stack-tight">
            <div class="spread">
              <h2>
                <Said inline text={one.name || t.importing.unnamed} />
              </h2>
              {one.kind === 'draft' ? (
                <Tag tone="good" word={t.importing.taken} />
              ) : one.kind === 'duplicate' ? (
                <Tag tone="note" word={t.importing.duplicate} />
              ) : (
                <Tag tone="late" word={t.importing.refused} />
              )}
            </div>
            {one.kind === 'draft' ? (
              <>
                <p>
                  {one.content.proposals[0]
                    ? t.importing.reasonFound(one.content.proposals[0].text)
                    : t.importing.noReason}
                </p>
                {one.content.questions.length > 0 ? (
                  <p class="soft">{t.importing.asks(one.content.questions.length)}</p>
                ) : null}
                <p>
                  <a href={`/apply?draft=${one.id}`}>{t.importing.complete}</a>
                </p>
              </>
            ) : one.kind === 'duplicate' ? (
              <p>
                {one.of === 'draft' ? t.importing.duplicateDraft : t.importing.duplicateApplication}{' '}
                {one.id ? <a href={`/apply?draft=${one.id}`}>{t.importing.complete}</a> : null}
              </p>
            ) : (
              <ul>
                {one.faults.map(({ code, path, message }) => (
                  <li>
                    {t.importing.faults[code] ?? message}{' '}
                    {path ? (
                      <span class="soft">
                        {t.importing.at('')}
                        <Said inline text={path} />
                      </span>
                    ) : null}
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ul>
      <p>
        <a href="/apply/import">{t.importing.another}</a>
      </p>
    </div>
  );
}
