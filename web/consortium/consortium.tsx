// Station 1, web: the consortium as anybody may see it: how far the log has come, what each member holds and has cosigned, where
// they do not agree, and where to fetch what they checked. Prints whose word each thing is. Judges nothing by itself.
import type { CosignedCheckpoint } from '../../db/views/log.ts';
import { ORGANISATIONS, type Organisation } from '../../domain/consortium.ts';
import { fullTilesAt, hashesAt, TILE_WIDTH, tilePath } from '../../ledger/tiles.ts';
import { DataTable } from '../parts/data-table.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { Hash } from '../parts/hash.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { ProofMark } from '../parts/proof-mark.tsx';
import { SummaryList } from '../parts/summary-list.tsx';
import { Tag } from '../parts/tag.tsx';
import { paths } from '../paths.ts';
import type { Text } from '../text/text.ts';
import type { Disagreement, Judged, Source, StandingAlarm } from './judged.ts';
import type { ConsortiumSeen, MemberSeen } from './members.ts';

export interface ConsortiumView {
  readonly seen: ConsortiumSeen;
  readonly judged: Judged;
  /** The newest checkpoint first, then those that somebody cosigned. */
  readonly checkpoints: readonly CosignedCheckpoint[];
  readonly backlog: { readonly unanchored: number; readonly oldestAt: string | null };
}

/** The part that changes; asks for itself again where there is script. */
export function ConsortiumPart({ t, view }: { t: Text; view: ConsortiumView }) {
  const newest = view.checkpoints[0];
  return (
    <div
      class="stack-wide"
      id="consortium"
      hx-get={paths.consortium}
      hx-trigger="every 10s"
      hx-target="this"
      hx-swap="outerMorph"
    >
      <Alarms t={t} judged={view.judged} />
      {newest ? (
        <>
          <Newest t={t} newest={newest} backlog={view.backlog} />
          <Members t={t} view={view} size={newest.size} />
          <Cosigned t={t} rows={view.checkpoints} />
        </>
      ) : (
        <EmptyState words={t.consortium.empty} more={t.consortium.emptyMore} />
      )}
      <Keys t={t} members={view.seen.members} />
      {newest ? <Files t={t} size={newest.size} /> : null}
      <p class="meta">{t.consortium.asOf(t.dateTime(view.seen.at))}</p>
    </div>
  );
}

const nameOf = (t: Text, source: Source): string =>
  source === 'log' ? t.consortium.ownLog : t.organisations[source];

function Alarms({ t, judged }: { t: Text; judged: Judged }) {
  const { disagreements, alarms, silent, stalled } = judged;
  return (
    <div class="stack" id="alarms">
      {disagreements.map((one) => (
        <Notice tone="late">
          <DisagreementWords t={t} one={one} />
        </Notice>
      ))}
      {alarms.map((one) => (
        <Notice tone="late">
          <AlarmWords t={t} one={one} />
        </Notice>
      ))}
      {silent.length > 0 ? (
        <Notice tone="late">
          <p>
            <strong>{t.consortium.silentTitle(t.list(silent.map((of) => t.organisations[of])))}</strong>{' '}
            {t.consortium.silent}
          </p>
        </Notice>
      ) : null}
      {stalled.length > 0 ? (
        <Notice tone="late">
          <p>
            <strong>{t.consortium.stalledTitle(t.list(stalled.map((of) => t.organisations[of])))}</strong>{' '}
            {t.consortium.stalled}
          </p>
        </Notice>
      ) : null}
      {disagreements.length + alarms.length + silent.length + stalled.length === 0 ? (
        <Notice tone="good">
          <p>{t.consortium.agree}</p>
        </Notice>
      ) : null}
    </div>
  );
}

function DisagreementWords({ t, one }: { t: Text; one: Disagreement }) {
  return (
    <div class="stack-tight">
      <p>
        <strong>{one.what === 'root' ? t.consortium.twoRoots(one.size ?? 0) : t.consortium.twoKeys}</strong>{' '}
        {t.consortium.whatToDo}
      </p>
      <ul class="plain columns">
        {one.sides.map(({ value, sources }) => (
          <li>
            <Hash t={t} value={value} /> {t.list(sources.map((source) => nameOf(t, source)))}
          </li>
        ))}
      </ul>
    </div>
  );
}

function AlarmWords({ t, one: { organisation, alarm } }: { t: Text; one: StandingAlarm }) {
  return (
    <div class="stack-tight">
      <p>
        <strong>
          {t.organisations[organisation]}: {t.consortium.alarms[alarm.kind] ?? t.consortium.alarmOther}
        </strong>{' '}
        {t.consortium.since(t.dateTime(alarm.since))}
      </p>
      <details class="details">
        <summary>{t.words.details}</summary>
        <p lang="en">{alarm.says}</p>
        <SummaryList
          t={t}
          plain
          rows={[
            ...(alarm.size === null ? [] : [{ term: t.audit.size, value: t.number(alarm.size) }]),
            ...(alarm.index === null ? [] : [{ term: t.timeline.leaf, value: `#${t.number(alarm.index)}` }]),
            ...Object.entries(alarm.roots).map(([whose, value]) => ({
              term: whose,
              value: <Hash t={t} value={value} />,
            })),
          ]}
        />
      </details>
    </div>
  );
}

function Newest({
  t,
  newest,
  backlog,
}: {
  t: Text;
  newest: CosignedCheckpoint;
  backlog: ConsortiumView['backlog'];
}) {
  const count = Object.keys(newest.by).length;
  return (
    <section class="card stack" aria-labelledby="newest-title">
      <div class="spread">
        <h2 id="newest-title">{t.consortium.newest(newest.size)}</h2>
        <ProofMark
          t={t}
          proof={
            newest.anchoredAt === null
              ? { state: 'sequenced', index: newest.size }
              : { state: 'anchored', index: newest.size, cosigned: { count, of: ORGANISATIONS.length } }
          }
        />
      </div>
      <SummaryList
        t={t}
        plain
        rows={[
          { term: t.consortium.root, value: <Hash t={t} value={newest.root} /> },
          {
            term: t.consortium.anchored,
            value: newest.anchoredAt === null ? t.consortium.notYet : <Moment t={t} at={newest.anchoredAt} />,
          },
          {
            term: t.consortium.cosigned,
            value:
              count === 0
                ? t.consortium.notYet
                : t.list(ORGANISATIONS.filter((of) => newest.by[of]).map((of) => t.organisations[of])),
          },
          {
            term: t.board.unanchored,
            value:
              backlog.unanchored > 0 && backlog.oldestAt
                ? `${t.number(backlog.unanchored)}, ${t.board.oldest(t.time(backlog.oldestAt))}`
                : t.number(backlog.unanchored),
          },
        ]}
      />
      {backlog.unanchored > 0 ? <p class="soft">{t.board.workGoesOn}</p> : null}
    </section>
  );
}

function Members({ t, view, size }: { t: Text; view: ConsortiumView; size: number }) {
  const at = (state: { size: number; root: string } | null | undefined) =>
    state ? (
      <span>
        <span class="figures">#{t.number(state.size)}</span> <Hash t={t} value={state.root} />
      </span>
    ) : (
      <span class="soft">{t.words.unknown}</span>
    );
  return (
    <section class="stack" aria-labelledby="members-title">
      <h2 id="members-title">{t.consortium.members}</h2>
      <DataTable
        t={t}
        id="members"
        caption={t.consortium.members}
        rows={view.seen.members}
        rowId={({ organisation }) => `member-${organisation}`}
        columns={[
          {
            key: 'member',
            head: t.consortium.member,
            rowHead: true,
            cell: ({ organisation }) => t.organisations[organisation],
          },
          {
            key: 'state',
            head: t.consortium.state,
            cell: (member) => <StateTag t={t} member={member} judged={view.judged} />,
          },
          { key: 'peer', head: t.consortium.peer, cell: ({ status }) => at(status?.peer) },
          {
            key: 'cosigned',
            head: t.consortium.cosignedTo,
            cell: ({ status }) =>
              status?.cosigned ? (
                <span>
                  <span class="figures">#{t.number(status.cosigned.size)}</span>,{' '}
                  <Moment t={t} at={status.cosigned.at} />
                </span>
              ) : (
                <span class="soft">{status ? t.consortium.notYet : t.words.unknown}</span>
              ),
          },
          {
            key: 'behind',
            head: t.consortium.behind,
            number: true,
            cell: ({ status }) =>
              status ? t.number(Math.max(0, size - (status.cosigned?.size ?? 0))) : t.words.unknown,
          },
          {
            key: 'looked',
            head: t.consortium.looked,
            cell: ({ status }) =>
              status?.looked ? (
                <Moment t={t} at={status.looked} />
              ) : (
                <span class="soft">{t.words.unknown}</span>
              ),
          },
        ]}
      />
      <p class="soft">{t.consortium.membersHint}</p>
    </section>
  );
}

function StateTag({ t, member, judged }: { t: Text; member: MemberSeen; judged: Judged }) {
  const { organisation } = member;
  if (judged.silent.includes(organisation)) return <Tag tone="late" word={t.consortium.noAnswer} />;
  if (judged.alarms.some((one) => one.organisation === organisation))
    return <Tag tone="late" word={t.consortium.alarm} />;
  if (judged.stalled.includes(organisation)) return <Tag tone="late" word={t.consortium.standsStill} />;
  return <Tag tone="good" word={t.consortium.watching} />;
}

function Cosigned({ t, rows }: { t: Text; rows: readonly CosignedCheckpoint[] }) {
  return (
    <section class="stack" aria-labelledby="cosigned-title">
      <h2 id="cosigned-title">{t.consortium.checkpoints}</h2>
      <DataTable
        t={t}
        id="checkpoints"
        caption={t.consortium.checkpoints}
        rows={rows}
        rowId={({ size }) => `checkpoint-${size}`}
        columns={[
          {
            key: 'size',
            head: t.consortium.checkpoint,
            rowHead: true,
            cell: ({ size }) => <span class="figures">#{t.number(size)}</span>,
          },
          { key: 'root', head: t.consortium.root, cell: ({ root }) => <Hash t={t} value={root} /> },
          {
            key: 'anchored',
            head: t.consortium.anchored,
            cell: ({ anchoredAt }) =>
              anchoredAt ? <Moment t={t} at={anchoredAt} /> : <span class="soft">{t.consortium.notYet}</span>,
          },
          ...ORGANISATIONS.map((of: Organisation) => ({
            key: of,
            head: t.consortium.cosignedBy(t.organisations[of]),
            cell: ({ by }: CosignedCheckpoint) => {
              const when = by[of];
              return when ? <Moment t={t} at={when} /> : <span class="soft">{t.consortium.notThis}</span>;
            },
          })),
        ]}
      />
      <p class="soft">{t.consortium.checkpointsHint}</p>
    </section>
  );
}

/** Keys as the members publish them, each with who does. */
function Keys({ t, members }: { t: Text; members: readonly MemberSeen[] }) {
  const known = new Map<string, { whose: string; key: string; by: Organisation[] }>();
  const add = (whose: string, key: string, organisation: Organisation): void => {
    const id = `${whose} ${key}`;
    const found = known.get(id) ?? { whose, key, by: [] };
    known.set(id, { ...found, by: [...found.by, organisation] });
  };
  for (const { organisation, trust } of members) {
    if (!trust) continue;
    add(t.consortium.logKey, trust.log, organisation);
    for (const of of ORGANISATIONS) {
      const key = trust.witnesses[of];
      if (key) add(t.consortium.witnessKey(t.organisations[of]), key, organisation);
    }
  }
  const rows = [...known.values()];
  return (
    <section class="stack" aria-labelledby="consortium-keys-title">
      <h2 id="consortium-keys-title">{t.consortium.keys}</h2>
      {rows.length === 0 ? (
        <p class="soft">{t.consortium.keysNone}</p>
      ) : (
        <DataTable
          t={t}
          id="consortium-keys"
          caption={t.consortium.keys}
          rows={rows.map((row, index) => ({ ...row, index }))}
          rowId={({ index }) => `consortium-key-${index}`}
          columns={[
            { key: 'whose', head: t.consortium.whose, rowHead: true, cell: ({ whose }) => whose },
            {
              key: 'key',
              head: t.consortium.key,
              // A vkey is name+id+key; the id follows from the other two, and the whole is for copying.
              cell: ({ key }) => <Hash t={t} value={key} short={key.split('+')[1] ?? key} />,
            },
            {
              key: 'by',
              head: t.consortium.publishedBy,
              cell: ({ by }) => t.list(by.map((of) => t.organisations[of])),
            },
          ]}
        />
      )}
      <p class="soft">{t.consortium.keysHint}</p>
    </section>
  );
}

/** Levels of a tree of this size, lowest first, with how many full tiles each has and how wide its edge is. */
function levelsOf(size: number): { level: number; full: number; edge: number }[] {
  const levels = [];
  for (let level = 0; hashesAt(level, size) > 0; level++)
    levels.push({ level, full: fullTilesAt(level, size), edge: hashesAt(level, size) % TILE_WIDTH });
  return levels;
}

function Files({ t, size }: { t: Text; size: number }) {
  const href = (level: number | 'entries', index: number, width: number) =>
    `/log/${tilePath({ level, index, width })}`;
  const link = (address: string) => (
    <a href={address}>
      <code>{address}</code>
    </a>
  );
  const levels = levelsOf(size);
  const bundles = levels[0] ? [{ ...levels[0], level: 'entries' as const }] : [];
  return (
    <section class="stack" aria-labelledby="files-title">
      <h2 id="files-title">{t.consortium.files}</h2>
      <p>{t.consortium.filesLead}</p>
      <ul class="plain stack-tight">
        <li>
          {link('/log/checkpoint')} <span class="soft">{t.consortium.checkpointFile}</span>
        </li>
      </ul>
      <DataTable
        t={t}
        id="tiles"
        caption={t.consortium.tiles}
        rows={[...levels, ...bundles]}
        rowId={({ level }) => `tiles-${level}`}
        columns={[
          {
            key: 'level',
            head: t.consortium.level,
            rowHead: true,
            cell: ({ level }) =>
              level === 'entries' ? t.consortium.bundles : t.consortium.hashesOfLevel(level),
          },
          { key: 'full', head: t.consortium.fullTiles, number: true, cell: ({ full }) => t.number(full) },
          {
            key: 'newest',
            head: t.consortium.newestFull,
            cell: ({ level, full }) =>
              full > 0 ? link(href(level, full - 1, TILE_WIDTH)) : <span class="soft">{t.words.none}</span>,
          },
          {
            key: 'edge',
            head: t.consortium.edge,
            cell: ({ level, full, edge }) =>
              edge > 0 ? link(href(level, full, edge)) : <span class="soft">{t.words.none}</span>,
          },
        ]}
      />
      <p class="soft">{t.consortium.filesHint}</p>
    </section>
  );
}
