// Station 1, web: a limit, in one sentence that is the same for officer, patient, administrator and auditor (principle 2).
// Word, icon and gauge say the same; overdue never locks. The figures come computed: this part asks no clock.
import type { IconName } from '../assets/icons.ts';
import type { LimitUnit } from '../text/en.ts';
import type { Moment as MomentValue } from '../text/formats.ts';
import type { Text } from '../text/text.ts';
import { Icon } from './icon.tsx';
import { Moment } from './moment.tsx';
import type { Tone } from './tag.tsx';

/** A limit as a screen shows it. `amount` counts in the unit of the law; zero left means the last day is today. */
export type ClockView =
  | { state: 'running' | 'soon'; amount: number; unit: LimitUnit; lastDay: MomentValue; spent: number }
  | { state: 'late'; amount: number; unit: LimitUnit; lastDay: MomentValue }
  | { state: 'paused'; since: MomentValue; spent: number }
  | { state: 'met' | 'ended'; on: MomentValue };

const TONES: Record<ClockView['state'], Tone> = {
  running: 'good',
  soon: 'soon',
  late: 'late',
  paused: 'quiet',
  met: 'good',
  ended: 'quiet',
};
const ICONS: Record<ClockView['state'], IconName> = {
  running: 'clock',
  soon: 'hourglass',
  late: 'octagon-alert',
  paused: 'pause',
  met: 'circle-check',
  ended: 'circle',
};

/** Each role's page prints exactly this string for the same clock in the same language. */
export function clockSentence(t: Text, clock: ClockView): string {
  switch (clock.state) {
    case 'running':
    case 'soon':
      return clock.amount === 0
        ? t.clock.lastToday(t.date(clock.lastDay))
        : t.clock.left(clock.amount, clock.unit, t.date(clock.lastDay));
    case 'late':
      return clock.amount === 0
        ? t.clock.overdueToday(t.date(clock.lastDay))
        : t.clock.overdue(clock.amount, clock.unit, t.date(clock.lastDay));
    case 'paused':
      return t.clock.paused(t.date(clock.since));
    case 'met':
      return t.clock.met(t.date(clock.on));
    case 'ended':
      return t.clock.ended(t.date(clock.on));
    default:
      return clock satisfies never;
  }
}

const momentOf = (clock: ClockView): MomentValue => {
  switch (clock.state) {
    case 'paused':
      return clock.since;
    case 'met':
    case 'ended':
      return clock.on;
    default:
      return clock.lastDay;
  }
};

/** The sentence with its icon, and below it how much of the time is used (not for limits that are over). */
export function ClockBar({ t, clock, gauge = true }: { t: Text; clock: ClockView; gauge?: boolean }) {
  const sentence = clockSentence(t, clock);
  const at = momentOf(clock);
  const day = t.date(at);
  const [before = '', after = ''] = sentence.split(day);
  const spent =
    clock.state === 'late' ? 1 : 'spent' in clock ? Math.min(Math.max(clock.spent, 0), 1) : undefined;
  return (
    <span class={`clock is-${TONES[clock.state]}`}>
      <Icon name={ICONS[clock.state]} />
      <span>
        {before}
        <Moment t={t} at={at} show="date" />
        {after}
      </span>
      {gauge && spent !== undefined ? (
        <svg
          class="gauge"
          viewBox="0 0 100 4"
          preserveAspectRatio="none"
          aria-hidden="true"
          focusable="false"
        >
          <rect class="gauge-rest" width="100" height="4" />
          <rect class="gauge-spent" width={String(Math.round(spent * 100))} height="4" />
        </svg>
      ) : null}
    </span>
  );
}

/** A clock with everything the law says about it, for the section of clocks and the patient's page. */
export function ClockCard({
  t,
  name,
  clock,
  started,
  due,
  lastDay,
  basis,
  effect,
}: {
  t: Text;
  name: string;
  clock: ClockView;
  started: MomentValue;
  due?: MomentValue | undefined;
  lastDay?: MomentValue | undefined;
  basis?: string | undefined;
  effect?: string | undefined;
}) {
  return (
    <div class="clock-card stack-tight">
      <h3>{name}</h3>
      <ClockBar t={t} clock={clock} />
      <p class="clock-ends">
        <span>
          {t.clock.started} <Moment t={t} at={started} show="date" />
        </span>
        {due ? (
          <span>
            {t.clock.due} <Moment t={t} at={due} show="date" />
          </span>
        ) : null}
        {lastDay ? (
          <span>
            {t.clock.lastDay} <Moment t={t} at={lastDay} show="date" />
          </span>
        ) : null}
      </p>
      {effect ? <p>{effect}</p> : null}
      {basis ? (
        <p class="meta">
          {t.clock.basis}
          {t.marks.colon}
          {basis}
        </p>
      ) : null}
    </div>
  );
}
