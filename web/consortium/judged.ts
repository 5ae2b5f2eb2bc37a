// Station 1, web: where what the members say does not agree, with each other or with our own log. Pure. Says who says what and
// leaves it there: which of them is right is for people to find out, and for `rehab verify`.
import type { Organisation } from '../../domain/consortium.ts';
import type { ConsortiumSeen, MemberSeen, MemberStatus } from './members.ts';

/** Whose word it is. */
export type Source = Organisation | 'log';

/** Two roots at one size, or two keys where one was agreed on. */
export interface Disagreement {
  readonly what: 'root' | 'key';
  /** Size of the log, for roots. */
  readonly size: number | null;
  /** Who stands for which value, those alike together. */
  readonly sides: readonly { readonly value: string; readonly sources: readonly Source[] }[];
}

export interface StandingAlarm {
  readonly organisation: Organisation;
  readonly alarm: MemberStatus['alarms'][number];
  /** Ends by itself with its cause; the others stay until a person of that organisation has seen to them. */
  readonly passing: boolean;
}

export interface Judged {
  readonly disagreements: readonly Disagreement[];
  readonly alarms: readonly StandingAlarm[];
  /** Members without a readable answer. */
  readonly silent: readonly Organisation[];
  /** Members that answer but have not seen their peer and the log for a while. */
  readonly stalled: readonly Organisation[];
  /** Something that is no delay: two stories, or an alarm that does not end by itself. */
  readonly tampered: boolean;
}

const PASSING: readonly string[] = ['stalled', 'published-unreachable', 'peer-unreachable'];
/** A member looks every two seconds; a page that is loaded may itself take some. */
const STALLED_MS = 60_000;

/**
 * Holds everything that was said against everything else.
 * @param own roots of our own log by size, hexadecimal; sizes that it does not know are compared among members alone
 */
export function judge(seen: ConsortiumSeen, own: ReadonlyMap<number, string>): Judged {
  const alarms = seen.members.flatMap(({ organisation, status }) =>
    (status?.alarms ?? []).map((alarm) => ({ organisation, alarm, passing: PASSING.includes(alarm.kind) })),
  );
  const disagreements = [...differingRoots(seen.members, own), ...differingKeys(seen.members)];
  const looked = (member: MemberSeen) => member.status?.looked && Date.parse(member.status.looked);
  return {
    disagreements,
    alarms,
    silent: seen.members.filter(({ status }) => !status).map(({ organisation }) => organisation),
    stalled: seen.members
      .filter(
        (member) => member.status && !(seen.at.getTime() - (looked(member) || Number.NaN) <= STALLED_MS),
      )
      .map(({ organisation }) => organisation),
    tampered: disagreements.length > 0 || alarms.some(({ passing }) => !passing),
  };
}

function differingRoots(members: readonly MemberSeen[], own: ReadonlyMap<number, string>): Disagreement[] {
  const said = new Map<number, [Source, string][]>();
  for (const [size, root] of own) said.set(size, [['log', root]]);
  for (const { organisation, status } of members)
    for (const at of [status?.cosigned, status?.peer, status?.published])
      if (at && at.size > 0) said.set(at.size, [...(said.get(at.size) ?? []), [organisation, at.root]]);
  return [...said]
    .map(([size, words]): Disagreement => ({ what: 'root', size, sides: sidesOf(words) }))
    .filter(({ sides }) => sides.length > 1)
    .sort((a, b) => (a.size ?? 0) - (b.size ?? 0));
}

/**
 * Keys that the members' published agreements give: of the log, and of each witness. One that two others have as a former key is
 * being replaced: its member reads the new agreement at its next look. One member alone cannot hide a key so.
 */
function differingKeys(members: readonly MemberSeen[]): Disagreement[] {
  const former = members.map(
    ({ trust }) => new Set((trust?.former ?? []).map(({ of, key }) => `${of} ${key}`)),
  );
  const replaced = (place: string): boolean => former.filter((list) => list.has(place)).length > 1;
  const said = new Map<string, [Source, string][]>();
  for (const { organisation, trust } of members)
    for (const [whose, key] of Object.entries({ log: trust?.log, ...trust?.witnesses }))
      if (key && !replaced(`${whose} ${key}`))
        said.set(whose, [...(said.get(whose) ?? []), [organisation, key]]);
  return [...said.values()]
    .map((words): Disagreement => ({ what: 'key', size: null, sides: sidesOf(words) }))
    .filter(({ sides }) => sides.length > 1);
}

function sidesOf(words: readonly [Source, string][]): Disagreement['sides'] {
  const sides = new Map<string, Source[]>();
  for (const [source, value] of words) {
    const known = sides.get(value) ?? [];
    sides.set(value, known.includes(source) ? known : [...known, source]);
  }
  return [...sides].map(([value, sources]) => ({ value, sources }));
}

/** Sizes that members name, to look our own roots up by. */
export const sizesNamed = ({ members }: ConsortiumSeen): number[] => [
  ...new Set(
    members.flatMap(({ status }) =>
      [status?.cosigned, status?.peer, status?.published].flatMap((at) =>
        at && at.size > 0 ? [at.size] : [],
      ),
    ),
  ),
];
