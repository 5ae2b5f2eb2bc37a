// What members publish, as the web takes it: answers that are none are none, one look serves many, and whatever contradicts
// anything else is found and shown with who said it.
import { describe, expect, it } from 'vitest';
import type { Organisation } from '../../domain/consortium.ts';
import { ConsortiumPart } from '../../web/consortium/consortium.tsx';
import { judge, sizesNamed } from '../../web/consortium/judged.ts';
import { type ConsortiumSeen, consortiumOver, type MemberStatus } from '../../web/consortium/members.ts';
import { text } from '../../web/text/text.ts';

const AT = new Date('2026-11-23T14:00:00Z');
const ROOT = 'aa'.repeat(32);
const OTHER = 'bb'.repeat(32);
const KEYS = {
  log: 'rehab/log+11111111+AQ==',
  witnesses: {
    administration: 'rehab/witness/administration+22222222+BA==',
    hospital: 'rehab/witness/hospital+33333333+BA==',
    association: 'rehab/witness/association+44444444+BA==',
  },
};
const STATUS: MemberStatus = {
  cosigned: { size: 90, root: ROOT, at: '2026-11-23T13:59:50Z' },
  peer: { size: 100, root: ROOT },
  published: { size: 100, root: ROOT },
  alarms: [],
  looked: '2026-11-23T13:59:58Z',
};
const ALARM = {
  kind: 'forked-log',
  says: 'Two histories',
  size: 100,
  index: null,
  roots: { peer: ROOT, published: OTHER },
  since: '2026-11-23T13:00:00Z',
};

function seen(over: Partial<Record<Organisation, Partial<MemberStatus> | null>> = {}): ConsortiumSeen {
  const of = (organisation: Organisation) => {
    const own = over[organisation];
    return own === null ? { organisation } : { organisation, status: { ...STATUS, ...own }, trust: KEYS };
  };
  return { at: AT, members: [of('administration'), of('hospital'), of('association')] };
}

describe('judging what members say', () => {
  it('finds nothing where all fits', () => {
    expect(judge(seen(), new Map([[90, ROOT]]))).toEqual({
      disagreements: [],
      alarms: [],
      silent: [],
      stalled: [],
      tampered: false,
    });
    expect(sizesNamed(seen())).toEqual([90, 100]);
  });

  it('finds two roots at one size, among members and against our own log', () => {
    const among = judge(seen({ association: { peer: { size: 100, root: OTHER } } }), new Map());
    expect(among.tampered).toBe(true);
    expect(among.disagreements).toEqual([
      {
        what: 'root',
        size: 100,
        sides: [
          { value: ROOT, sources: ['administration', 'hospital', 'association'] },
          { value: OTHER, sources: ['association'] },
        ],
      },
    ]);
    const ours = judge(seen(), new Map([[90, OTHER]]));
    expect(ours.disagreements[0]?.sides).toEqual([
      { value: OTHER, sources: ['log'] },
      { value: ROOT, sources: ['administration', 'hospital', 'association'] },
    ]);
  });

  it('finds a key that one member publishes otherwise', () => {
    const { at, members } = seen();
    const [first, ...rest] = members;
    const other = {
      ...first,
      organisation: 'administration' as const,
      trust: { ...KEYS, log: 'rehab/log+99999999+AQ==' },
    };
    const { disagreements } = judge({ at, members: [other, ...rest] }, new Map());
    expect(disagreements).toMatchObject([
      { what: 'key', sides: [{}, { sources: ['hospital', 'association'] }] },
    ]);
  });

  it('takes a member that has not read of a new key yet for no contradiction, when two others have', () => {
    const { at, members } = seen();
    const told = { ...KEYS, log: 'rehab/log+99999999+AQ==', former: [{ of: 'log', key: KEYS.log }] };
    const toldBy = (count: number) => members.map((one, n) => (n < count ? { ...one, trust: told } : one));
    expect(judge({ at, members: toldBy(2) }, new Map()).disagreements).toEqual([]);
    // One alone may say so of any key.
    expect(judge({ at, members: toldBy(1) }, new Map()).disagreements).toHaveLength(1);
  });

  it('tells a delay from a contradiction', () => {
    const late = judge(seen({ hospital: { alarms: [{ ...ALARM, kind: 'stalled' }] } }), new Map());
    expect([late.tampered, late.alarms[0]?.passing]).toEqual([false, true]);
    const forked = judge(seen({ hospital: { alarms: [ALARM] } }), new Map());
    expect([forked.tampered, forked.alarms[0]?.passing]).toEqual([true, false]);
    const quiet = judge(
      seen({
        hospital: null,
        association: { looked: '2026-11-23T13:58:00Z' },
        administration: { looked: null },
      }),
      new Map(),
    );
    expect(quiet).toMatchObject({
      silent: ['hospital'],
      stalled: ['administration', 'association'],
      tampered: false,
    });
  });
});

describe('asking members', () => {
  const answers = (of: Record<string, unknown>) => (organisation: Organisation, path: string) =>
    Promise.resolve(
      organisation === 'hospital'
        ? new Response('no', { status: 500 })
        : new Response(JSON.stringify(of[path]), { status: 200 }),
    );

  it('takes what has the right form, and nothing else for it', async () => {
    const good = { organisation: 'association', ...STATUS };
    const one = consortiumOver(
      answers({ '/status': good, '/trust.json': { ...KEYS, origin: 'x' } }),
      () => AT,
    );
    const { members } = await one.look();
    expect(members.map(({ status, trust }) => [status?.peer?.size, trust?.log])).toEqual([
      [100, KEYS.log],
      [undefined, undefined],
      [100, KEYS.log],
    ]);
    const bad = consortiumOver(answers({ '/status': { cosigned: 'yes' }, '/trust.json': [] }), () => AT);
    expect((await bad.look()).members.every(({ status, trust }) => !status && !trust)).toBe(true);
  });

  it('asks once for many who ask at a time, and again when the answer is old', async () => {
    let asked = 0;
    let now = AT.getTime();
    const one = consortiumOver(
      () => {
        asked++;
        return Promise.resolve(new Response('{}'));
      },
      () => new Date(now),
    );
    expect(one.last()).toBeUndefined();
    await Promise.all([one.look(), one.look(), one.look()]);
    expect(asked).toBe(6);
    await one.look();
    expect(asked).toBe(6);
    now += 60_000;
    expect(one.last()?.at).toEqual(AT);
    expect((await one.look()).at.getTime()).toBe(now);
    expect(asked).toBe(12);
  });
});

describe('the page', () => {
  const checkpoints = [
    { size: 100, root: ROOT, anchoredAt: '2026-11-23T13:59:59Z', by: {} },
    { size: 90, root: ROOT, anchoredAt: '2026-11-23T13:59:49Z', by: { hospital: '2026-11-23T13:59:50Z' } },
  ];
  const render = (given: ConsortiumSeen, lang: 'en' | 'zh-Hans' = 'en'): string =>
    String(
      <ConsortiumPart
        t={text(lang)}
        view={{
          seen: given,
          judged: judge(given, new Map()),
          checkpoints,
          backlog: { unanchored: 0, oldestAt: null },
        }}
      />,
    );

  it('says that all agree only when they do', () => {
    expect(render(seen())).toContain('nothing that they say contradicts another');
    for (const over of [
      { hospital: null },
      { hospital: { looked: null } },
      { hospital: { alarms: [ALARM] } },
      { hospital: { peer: { size: 100, root: OTHER } } },
    ])
      expect(render(seen(over))).not.toContain('contradicts another');
  });

  it('prints both roots with who stands for them, and the alarm in the reader’s words', () => {
    const html = render(seen({ hospital: { peer: { size: 100, root: OTHER }, alarms: [ALARM] } }));
    expect(html).toContain('Two roots at size #100.');
    expect(html).toContain(`title="${OTHER}"`);
    expect(html).toContain('the published log is not the one it cosigned');
    expect(render(seen({ hospital: { alarms: [ALARM] } }), 'zh-Hans')).toContain(
      '公布的日志不是它所联署的日志',
    );
  });

  it('links the checkpoint and the files of the log as the log has them', () => {
    const html = render(seen());
    expect(html).toContain('href="/log/checkpoint"');
    expect(html).toContain('href="/log/tile/0/000.p/100"');
    expect(html).toContain('href="/log/tile/entries/000.p/100"');
  });
});
