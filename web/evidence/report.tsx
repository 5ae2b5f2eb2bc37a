// Station 1, web: the evidence report, for people to read and to print. Made from the evidence that lies beside it and from the
// names that the service knows; says what it is, and that the check counts and not the report. One page without a script.
import { raw } from 'hono/html';
import type { Organisation } from '../../domain/consortium.ts';
import type { Role } from '../../domain/roles.ts';
import { withSystemNames } from '../../fhir/codes.ts';
import { fromBase64, toHex } from '../../ledger/bytes.ts';
import { parseCheckpoint, parseNote } from '../../ledger/checkpoint.ts';
import { type Entry, readEntry } from '../../ledger/entry.ts';
import type { Evidence } from '../../ledger/evidence/format.ts';
import type { Text } from '../text/text.ts';

/** A person as the service names them; evidence itself holds numbers alone. */
export interface Named {
  readonly name: string;
  readonly organisation: Organisation | null;
}

const STYLE = `
:root{color-scheme:light}
body{max-width:60rem;margin:0 auto;padding:1.5rem;font:1rem/1.5 system-ui,sans-serif;color:#14212b;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;break-after:avoid}
table{width:100%;border-collapse:collapse;font-size:.875rem}
th,td{padding:.3rem .5rem;border:1px solid #c8d2da;text-align:start;vertical-align:top;overflow-wrap:anywhere}
tr{break-inside:avoid}thead{display:table-header-group}
pre,code{font-size:.8rem;white-space:pre-wrap;overflow-wrap:anywhere}
td>code{white-space:nowrap}
.soft{color:#47596a;font-size:.875rem}
@page{size:A4;margin:18mm 15mm 20mm}
@media print{body{max-width:none;padding:0}}
`;

/** The report as a whole HTML page. */
export function reportPage(t: Text, evidence: Evidence, names: ReadonlyMap<string, Named>): string {
  const { report } = t;
  const note = parseNote(evidence.checkpoint);
  const checkpoint = parseCheckpoint(note.text);
  const read = evidence.entries.map((given, at) => {
    const one = readEntry(fromBase64(given.body) ?? new Uint8Array(0));
    return { given, number: at + 1, entry: 'entry' in one ? one.entry : undefined };
  });
  const caseNumber = caseNumberIn(evidence);
  const cosigned = note.signatures.length - 1;
  const page = (
    <html lang={t.lang}>
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        />
        <title>{report.title(caseNumber)}</title>
        <style>
          {raw(
            `${STYLE}@page{@bottom-left{content:"${caseNumber} ${toHex(checkpoint.root).slice(0, 16)}";font-size:8pt}@bottom-right{content:counter(page) " / " counter(pages);font-size:8pt}}`,
          )}
        </style>
      </head>
      <body>
        <h1>{report.title(caseNumber)}</h1>
        <p class="soft">{report.lead}</p>
        <h2>1 {report.result}</h2>
        <p>
          {report.under(
            read.length,
            t.number(checkpoint.size),
            cosigned,
            t.dateTime(new Date(evidence.madeAt)),
          )}
          {evidence.waiting > 0 ? ` ${report.waiting(evidence.waiting)}` : ''}
        </p>
        <h2>2 {report.acts}</h2>
        <table>
          <thead>
            <tr>
              {[report.number, report.time, report.what, report.who, report.place].map((head) => (
                <th scope="col">{head}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {read.map(({ given, number, entry }) => (
              <tr>
                <td>{number}</td>
                <td>{entry ? t.dateTime(new Date(entry.at)) : ''}</td>
                <td>{entry ? (t.events[entry.event] ?? entry.event) : ''}</td>
                <td>{entry ? <Person t={t} entry={entry} names={names} /> : ''}</td>
                <td>#{t.number(given.index)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <h2>3 {report.signatures}</h2>
        {read.some(({ entry }) => entry?.signature) ? (
          read.map(({ given, number, entry }) =>
            entry?.signature ? (
              <section>
                <p>
                  <strong>{number}.</strong> {t.events[entry.event] ?? entry.event},{' '}
                  <Person t={t} entry={entry} names={names} />
                  <br />
                  <span class="soft">
                    {report.certificate} <code>{entry.signature.certificate}</code>
                  </span>
                </p>
                {given.statement === null ? null : <pre>{given.statement}</pre>}
              </section>
            ) : null,
          )
        ) : (
          <p>{report.noSignatures}</p>
        )}
        <h2>4 {report.checkpoints}</h2>
        <pre>{evidence.checkpoint}</pre>
        <h2>5 {report.how}</h2>
        <ol>
          {report.steps.map((step) => (
            <li>{step}</li>
          ))}
        </ol>
        <h2>6 {report.values}</h2>
        <table>
          <thead>
            <tr>
              {[report.number, report.field, report.value].map((head) => (
                <th scope="col">{head}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {read.flatMap(({ given, number }) =>
              given.openings.map(({ table, column, value }) => (
                <tr>
                  <td>{number}</td>
                  <td>
                    <code>{`${table}.${column}`}</code>
                  </td>
                  <td>{shown(value)}</td>
                </tr>
              )),
            )}
          </tbody>
        </table>
      </body>
    </html>
  );
  return `<!doctype html>\n${page}\n`;
}

/** A value as people read it; its exact text is in evidence.json. */
function shown(value: string): string {
  const words = withSystemNames(value);
  return words.length > 600 ? `${words.slice(0, 600)}…` : words;
}

function Person({ t, entry, names }: { t: Text; entry: Entry; names: ReadonlyMap<string, Named> }) {
  const known = names.get(entry.actor.person);
  const role = t.roles[entry.actor.role as Role] ?? t.who.system;
  return (
    <>
      {known ? `${known.name}, ` : ''}
      {role}
      {known?.organisation ? `, ${t.organisations[known.organisation]}` : ''}
    </>
  );
}

/** The case's number, where it is opened; else the start of the pseudonym. */
export function caseNumberIn(evidence: Evidence): string {
  for (const { openings } of evidence.entries)
    for (const { table, column, value } of openings)
      if (table === 'cases' && column === 'number' && /^"[\w-]{4,20}"$/.test(value))
        return value.slice(1, -1);
  return evidence.subject.pseudonym.slice(0, 12);
}
