// Station 1, web: where a case is on its way. Done, now and to come differ by sign, line and word, not by colour alone.
import type { Stage } from '../../domain/lifecycle.ts';
import type { Text } from '../text/text.ts';
import { Icon } from './icon.tsx';

/** The stages one walks through; `closed` is the end of the walk and not a step of it. */
export const STRIP_STAGES = [
  'application',
  'assessment',
  'treatment',
  're-evaluation',
  'approval',
  'follow-up',
] as const satisfies readonly Stage[];

export type StageStripProps = {
  t: Text;
  stage: Stage;
  /** The stage a closed case ended in (after a refusal or withdrawal); unset when the whole way was gone. */
  endedIn?: Exclude<Stage, 'closed'> | undefined;
  round?: number;
};

export function StageStrip({ t, stage, endedIn, round = 1 }: StageStripProps) {
  const last = STRIP_STAGES.length;
  const here =
    stage === 'closed' ? (endedIn ? STRIP_STAGES.indexOf(endedIn) : last) : STRIP_STAGES.indexOf(stage);
  const ended = stage === 'closed' && endedIn !== undefined;
  return (
    <div class="stages">
      <ol aria-label={t.stageStrip.label}>
        {STRIP_STAGES.map((name, index) => {
          const state = index < here ? 'done' : index === here ? 'now' : 'ahead';
          return (
            <li class={`stage ${state}`} {...(state === 'now' ? { 'aria-current': 'step' as const } : {})}>
              <span class="stage-dot" aria-hidden="true">
                {state === 'done' ? (
                  <Icon name="check" />
                ) : ended && state === 'now' ? (
                  <Icon name="x" />
                ) : (
                  index + 1
                )}
              </span>
              <span class="stage-name">
                {t.stages[name]}
                {state === 'now' && round > 1 ? `, ${t.stageStrip.round(round)}` : ''}
                <span class="visually-hidden">
                  {', '}
                  {ended && state === 'now' ? t.stageStrip.ended : t.stageStrip[state]}
                </span>
              </span>
            </li>
          );
        })}
      </ol>
    </div>
  );
}
