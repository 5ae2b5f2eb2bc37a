// Station 1, web: what is kept of a record that was read in, and what it fills in of an application. Pure.
// What the record does not say stays empty and is asked; its texts are cut to what an application may hold, never changed.
import type { ActInput } from '../../domain/acts.ts';
import type { ApplicationDraft } from '../../fhir/import.ts';
import { BASES, CAUSES, QUESTIONS, type QuestionCode } from '../../fhir/questions.ts';
import type { Lang } from '../text/formats.ts';

/** A reason the record offers. `basis` is a key of `BASES`. */
export interface Proposal {
  readonly text: string;
  readonly code: string | null;
  readonly since: string | null;
  readonly basis: keyof typeof BASES;
}

/** A draft as it lies sealed: everything an application needs of the record, and nothing else. */
export interface DraftContent {
  readonly patient: ApplicationDraft['patient'];
  readonly proposals: readonly Proposal[];
  readonly goals: readonly string[];
  readonly setAside: readonly {
    readonly text: string;
    readonly code: string | null;
    readonly since: string | null;
    readonly until: string | null;
    readonly status: string | null;
    readonly why: keyof typeof CAUSES;
  }[];
  readonly attention: readonly {
    readonly label: { readonly en: string; readonly 'zh-Hans': string };
    readonly text: string;
  }[];
  readonly questions: readonly QuestionCode[];
  /** Recognises the same record; see `ApplicationDraft.duplicateKey`. */
  readonly source: string;
}

/** What is kept of a bundle that was read. */
export function draftContent(draft: ApplicationDraft): DraftContent {
  const { reason, alternatives } = draft;
  return {
    patient: draft.patient,
    proposals: [...(reason ? [reason] : []), ...alternatives].map(({ text, code, since, basis }) => ({
      text,
      code,
      since,
      basis,
    })),
    goals: draft.goals,
    setAside: [...draft.background, ...draft.setAside].map(({ text, code, since, until, status, why }) => ({
      text,
      code,
      since,
      until,
      status,
      why,
    })),
    attention: draft.attention.map(({ label, text }) => ({ label, text })),
    questions: draft.questions.map(({ code }) => code),
    source: draft.duplicateKey,
  };
}

/** What a draft fills in: form fields by name. */
export function prefilled(content: DraftContent): Record<string, string> {
  const [first] = content.proposals;
  return {
    patientName: content.patient.name ?? '',
    birthDate: content.patient.birthDate ?? '',
    sex: content.patient.sex,
    language: content.patient.language ?? '',
    reason: first?.text ?? '',
    reasonSince: wholeDate(first?.since),
    goals: content.goals.join('\n'),
  };
}

const wholeDate = (date: string | null | undefined): string =>
  date && date.length >= 10 ? date.slice(0, 10) : '';

/** One line that an application may hold. */
const line = (text: string, max: number): string =>
  text.replace(/\s+/g, ' ').trim().slice(0, max).toWellFormed();

/** Questions that the form itself asks: answered when its fields are filled in. */
const ASKED_BY_THE_FORM: ReadonlySet<QuestionCode> = new Set([
  'name',
  'birth-date',
  'reason',
  'choose-reason',
]);

/** The record's part of an application: taken from the draft on the server, never from the form. */
export function recordPart(
  content: DraftContent,
  reason: string,
  goals: string,
  lang: Lang,
): Pick<ActInput<'submit-application'>, 'reasonCode' | 'background' | 'source' | 'questions'> {
  // The code goes with the reason only while its words still stand in it.
  const kept = content.proposals.find(({ text }) => text !== '' && reason.includes(text));
  const code = kept?.code && kept.code.length <= 60 ? kept.code : '';
  const others = content.proposals.filter((proposal) => proposal !== kept);
  return {
    reasonCode: code,
    background: [
      ...others.map((proposal) => ({ ...proposal, until: null, status: null, why: 'other-reason' as const })),
      ...content.setAside,
    ]
      .filter(({ text }) => line(text, 300) !== '')
      .slice(0, 200)
      .map(({ text, code, since, until, status, why }) => ({
        text: line(text, 300),
        ...(code && code.length <= 60 ? { code } : {}),
        ...(since ? { since: since.slice(0, 40) } : {}),
        ...(until ? { until: until.slice(0, 40) } : {}),
        ...(status ? { status: line(status, 40) } : {}),
        why: line(CAUSES[why][lang], 300),
      })),
    source: content.source,
    questions: content.questions
      .filter((code) => !ASKED_BY_THE_FORM.has(code) && !(code === 'goals' && goals.trim() !== ''))
      .map((code) => QUESTIONS[code][lang]),
  };
}

/** What a program is told about a draft: the words in one language beside the codes. */
export function draftReport(content: DraftContent, lang: Lang) {
  const [reason] = content.proposals;
  return {
    reason: reason ? { ...reason, because: BASES[reason.basis][lang] } : null,
    questions: content.questions.map((code) => ({ code, text: QUESTIONS[code][lang] })),
    setAside: content.setAside.map(({ text, code, why }) => ({ text, code, why })),
  };
}
