// Door helper, FHIR: a bundle with a patient becomes a draft application. Pure: text in, plain data out.
// The reason for rehabilitation is proposed only from what fits by its codes; the rest stays as background with its cause.
// Must never invent: what the record does not say is asked for, and no reference is followed out of the file.
import type { LocalDate } from '../domain/calendar.ts';
import type { Words } from '../domain/instruments/instrument.ts';
import { canonicalBytes, type JsonObject } from '../ledger/canonical.ts';
import type { Hash } from '../ledger/merkle.ts';
import {
  attentionGroupOf,
  type Code,
  isNeverAReason,
  isPast,
  orderKindOf,
  overBy,
  type ReasonGroup,
  reasonGroupOf,
  SNOMED,
  tokenOf,
} from './codes.ts';
import { type BasisCode, type CauseCode, QUESTIONS, type QuestionCode } from './questions.ts';
import {
  type Bundle,
  type Concept,
  type Entry,
  type FhirFault,
  indexOf,
  type Reference,
  type Refused,
  type Resource,
  type ResourceType,
  readAs,
  readEntries,
  readResource,
  refused,
  resolve,
} from './resources.ts';
import { hasFunctionalResult } from './results.ts';

/** Something in the record. `since` and `until` are FHIR dates as written; `code` is `system|code`; `source` where it stands. */
export type Fact = {
  readonly kind: 'condition' | 'plan' | 'request' | 'procedure' | 'visit';
  readonly text: string;
  readonly code: string | null;
  readonly since: string | null;
  readonly until: string | null;
  readonly status: string | null;
  readonly source: string;
};

export type SetAside = Fact & { readonly why: CauseCode };

/** A reason that fits. `order` is the plan or request that asks for rehabilitation because of it. */
export type ProposedReason = Fact & { readonly basis: BasisCode; readonly order: Fact | null };

export type Attention = {
  readonly id: string;
  readonly label: Words;
  readonly text: string;
  readonly since: string | null;
  readonly source: string;
};

export type Question = {
  readonly code: QuestionCode;
  readonly text: Words;
  readonly about: readonly string[];
};

export type PatientFacts = {
  /** As it is called: official name first, family and given as the record's script has them. */
  readonly name: string | null;
  readonly otherNames: readonly string[];
  /** A whole date, or null when the record gives none or only a part. */
  readonly birthDate: LocalDate | null;
  readonly sex: 'female' | 'male' | 'other' | 'unknown';
  /** BCP 47. */
  readonly language: string | null;
};

/** An application that nobody has submitted: facts with their places, one proposed reason or none, and what is asked. */
export type ApplicationDraft = {
  readonly patient: PatientFacts;
  readonly reason: ProposedReason | null;
  readonly alternatives: readonly ProposedReason[];
  readonly goals: readonly string[];
  /** Conditions, plans, requests and visits that are not the reason, each with the cause. */
  readonly setAside: readonly SetAside[];
  /** What else matters: rehabilitation done before. */
  readonly background: readonly SetAside[];
  /** What a doctor must weigh: possible contraindications, allergies. */
  readonly attention: readonly Attention[];
  readonly questions: readonly Question[];
  readonly source: {
    readonly bundleType: string;
    readonly entries: number;
    /** Newest date in what was read. */
    readonly newest: string | null;
    /** How many resources of which type were not used. */
    readonly unused: Readonly<Record<string, number>>;
  };
  /**
   * Hex digest of the patient's identifiers and the record's content, the same however the file is laid out or its
   * entries ordered: the key that finds a second import. It is not keyed, so it must not leave the database.
   */
  readonly duplicateKey: string;
};

export type BundleAnswer = { readonly kind: 'draft'; readonly draft: ApplicationDraft } | Refused;

/** What reading needs from outside: the day it is, and synchronous SHA-256. */
export type ReadContext = { readonly today: LocalDate; readonly hash: Hash };

/** Intents by which somebody has really ordered something (FHIR request-intent: order and its children). */
const ORDERED = ['order', 'original-order', 'reflex-order', 'filler-order', 'instance-order'];
const OLD_RECORD_DAYS = 90;
const OLD_REASON_YEARS = 10;

/**
 * Reads a FHIR R4 bundle as a draft application.
 * 1. Caps, strict JSON and shapes first; any fault in what is used refuses the file, each with its field. 2. Exactly one
 * living patient. 3. Only what is about that patient counts. 4. Reasons: present conditions that an active order names
 * rehabilitation for, or that call for it, or that therapy is ordered for, in this order; newest first. 5. Everything
 * else is set aside with its cause. 6. What is missing, old or contradictory is asked.
 */
export function readBundle(input: string | Uint8Array, context: ReadContext): BundleAnswer {
  const resource = readResource(input);
  if (resource.kind === 'refused') return resource;
  if (resource.type !== 'Bundle') {
    const instead = hasFunctionalResult(resource.raw)
      ? 'attach it to an assessment of a case, or send'
      : 'send';
    return refused({
      code: 'single-resource',
      path: resource.type,
      message: `This is a single ${resource.type}, not a record; ${instead} a Bundle with the patient and what belongs to them.`,
    });
  }
  const bundle = readEntries(resource.raw);
  if ('kind' in bundle) return bundle;
  return new RecordReader(bundle, context).read();
}

type Read<T extends ResourceType> = { readonly entry: Entry; readonly value: Resource<T> };
type Present = { readonly fact: Fact; readonly codes: readonly Code[]; readonly entry: Entry | null };
type Order = {
  readonly fact: Fact;
  readonly kind: 'rehabilitation' | 'therapy';
  readonly conditions: readonly Entry[];
  readonly goals: readonly Reference[];
  readonly reasons: readonly Present[];
};

const BASIS_RANK: readonly BasisCode[] = [
  'rehabilitation-ordered',
  'calls-for-it',
  'therapy-ordered',
  'reason-of-visit',
];

class RecordReader {
  readonly #bundle: Bundle;
  readonly #context: ReadContext;
  readonly #index: ReadonlyMap<string, Entry>;
  readonly #faults: FhirFault[] = [];
  readonly #setAside: SetAside[] = [];
  readonly #background: SetAside[] = [];
  readonly #attention: Attention[] = [];
  readonly #dangling = new Set<string>();
  readonly #oddDates = new Set<string>();
  readonly #asked = new Map<QuestionCode, string[]>();
  #newest: string | null = null;

  constructor(bundle: Bundle, context: ReadContext) {
    this.#bundle = bundle;
    this.#context = context;
    this.#index = indexOf(bundle.entries);
  }

  read(): BundleAnswer {
    const patients = this.#all('Patient');
    const conditions = this.#all('Condition');
    const plans = this.#all('CarePlan');
    const requests = this.#all('ServiceRequest');
    const procedures = this.#all('Procedure');
    const visits = this.#all('Encounter');
    const allergies = this.#all('AllergyIntolerance');
    if (this.#faults.length > 0) return refused(...this.#faults);

    // The same patient may stand twice in a file that was put together from several.
    const [patient, ...others] = [
      ...new Map(patients.map((one) => [this.#canonical(one.entry), one] as const)).values(),
    ];
    if (patient === undefined) {
      return refused({
        code: 'no-patient',
        path: 'Bundle.entry',
        message: 'The bundle holds no Patient; an application is about one.',
      });
    }
    if (others.length > 0) {
      return refused({
        code: 'several-patients',
        path: others[0]?.entry.path ?? '',
        message: 'The bundle holds more than one patient; send one bundle for each.',
      });
    }
    if (patient.value.deceasedBoolean === true || patient.value.deceasedDateTime !== undefined) {
      return refused({
        code: 'patient-deceased',
        path: patient.entry.path,
        message: 'The record says that the patient has died.',
      });
    }

    const facts = this.#patientFacts(patient);
    const own = <T extends ResourceType>(
      list: readonly Read<T>[],
      kind: Fact['kind'],
      who: (value: Resource<T>) => Reference | undefined,
      factOf: (read: Read<T>) => Fact,
    ) => list.filter((read) => this.#isAbout(patient.entry, who(read.value), () => factOf(read), kind));

    const ownConditions = own(conditions, 'condition', (c) => c.subject, conditionFact);
    const ownPlans = own(plans, 'plan', (p) => p.subject, planFact);
    const ownRequests = own(requests, 'request', (r) => r.subject, requestFact);
    const ownProcedures = own(procedures, 'procedure', (p) => p.subject, procedureFact);
    const ownVisits = own(visits, 'visit', (v) => v.subject, visitFact);

    const ordered = [...this.#orderedPlans(ownPlans), ...this.#orderedRequests(ownRequests)];
    const present = this.#presentConditions(ownConditions, facts.birthDate);
    const { reasons, goalsOf } = this.#reasons(present, ordered, conditions, ownVisits);
    this.#attend(ownConditions, ownProcedures, allergies, patient.entry);
    this.#earlier(ownProcedures);

    const [reason = null, ...alternatives] = reasons;
    for (const { basis: _, order: __, ...fact } of alternatives)
      this.#setAside.push({ ...fact, why: 'other-reason' });
    const goals = this.#goals(reason === null ? [] : goalsOf(reason));
    this.#ask(reason, alternatives, goals);

    return {
      kind: 'draft',
      draft: {
        patient: facts,
        reason,
        alternatives,
        goals,
        setAside: this.#setAside,
        background: this.#background,
        attention: this.#attention,
        questions: (Object.keys(QUESTIONS) as QuestionCode[]).flatMap((code) => {
          const about = this.#asked.get(code);
          return about === undefined ? [] : [{ code, text: QUESTIONS[code], about }];
        }),
        source: {
          bundleType: this.#bundle.type,
          entries: this.#bundle.entries.length,
          newest: this.#newest,
          unused: this.#unused(),
        },
        duplicateKey: this.#duplicateKey(patient),
      },
    };
  }

  #all<T extends ResourceType>(type: T): Read<T>[] {
    return this.#bundle.entries
      .filter((entry) => entry.type === type)
      .flatMap((entry) => {
        const value = readAs(type, entry, this.#faults);
        return value === undefined ? [] : [{ entry, value }];
      });
  }

  #patientFacts({ entry, value }: Read<'Patient'>): PatientFacts {
    const names = [...(value.name ?? [])].sort((a, b) => nameRank(a.use) - nameRank(b.use)).flatMap(nameText);
    const [name = null, ...otherNames] = [...new Set(names)];
    if (name === null) this.#question('name', entry.path);
    const born = value.birthDate ?? '';
    const birthDate = born.length >= 10 ? born.slice(0, 10) : null;
    if (birthDate === null) this.#question('birth-date', entry.path);
    else if (birthDate > this.#context.today) this.#oddDates.add(`${entry.path}.birthDate`);
    const spoken = value.communication ?? [];
    const language =
      (spoken.find((one) => one.preferred === true) ?? spoken[0])?.language?.coding?.[0]?.code ?? null;
    // A language tag is letters, digits and hyphens; anything else is not one.
    const isTag = language !== null && /^[A-Za-z0-9-]{2,35}$/.test(language);
    return { name, otherNames, birthDate, sex: value.gender ?? 'unknown', language: isTag ? language : null };
  }

  /** True when the reference names the patient; otherwise the fact is set aside. */
  #isAbout(patient: Entry, subject: Reference | undefined, fact: () => Fact, kind: Fact['kind']): boolean {
    const found = resolve(subject, this.#index);
    if (typeof found === 'object' && this.#sameAs(found, patient)) return true;
    const shown = fact();
    if (typeof found === 'object') this.#setAside.push({ ...shown, kind, why: 'someone-else' });
    else {
      this.#setAside.push({ ...shown, kind, why: 'subject-unknown' });
      if (found !== 'not-given') this.#dangling.add(`${shown.source}.subject`);
    }
    return false;
  }

  /** Conditions that are present by status, certainty and dates; the others are set aside. */
  #presentConditions(conditions: readonly Read<'Condition'>[], birthDate: LocalDate | null): Present[] {
    // By event and day, gathered once: a hostile record may hold ten thousand of either.
    const over = new Set(
      conditions.flatMap(({ value }) =>
        overBy(codesOf(value.code)).map((event) => `${event} ${conditionSince(value)}`),
      ),
    );
    const seen = new Set<string>();
    return conditions.flatMap((read) => {
      const { entry, value } = read;
      const fact = conditionFact(read);
      const codes = codesOf(value.code);
      this.#look(fact, birthDate);
      const twice = JSON.stringify([fact.text, fact.code, fact.since, fact.until, fact.status]);
      if (seen.has(twice)) return [];
      seen.add(twice);
      const certainty = codeIn(value.verificationStatus);
      const status = codeIn(value.clinicalStatus);
      const listed = codes.some(({ system, code }) => system === SNOMED && over.has(`${code} ${fact.since}`));
      const why: CauseCode | null =
        fact.text === ''
          ? 'without-meaning'
          : certainty === 'entered-in-error' || certainty === 'refuted'
            ? 'in-error'
            : certainty !== undefined && certainty !== 'confirmed'
              ? 'not-confirmed'
              : (status !== undefined && !['active', 'recurrence', 'relapse'].includes(status)) ||
                  isOver(fact, this.#context.today)
                ? 'finished'
                : isPast(codes)
                  ? 'past'
                  : listed
                    ? 'listed-as-past'
                    : null;
      if (why === null) return [{ fact, codes, entry }];
      this.#setAside.push({ ...fact, why });
      return [];
    });
  }

  #orderedPlans(plans: readonly Read<'CarePlan'>[]): Order[] {
    return plans.flatMap((read) => {
      const { value } = read;
      const fact = planFact(read);
      this.#look(fact, null);
      const running = (value.activity ?? []).filter(
        ({ detail }) =>
          !['completed', 'cancelled', 'stopped', 'entered-in-error'].includes(detail?.status ?? ''),
      );
      const kind = orderKindOf(
        (value.category ?? []).flatMap(codesOf),
        running.flatMap(({ detail }) => codesOf(detail?.code)),
      );
      const accepted = this.#acceptOrder(fact, value.status, ORDERED.includes(value.intent ?? ''), kind);
      if (accepted === null) return [];
      const conditions = this.#resolveAll(value.addresses, `${fact.source}.addresses`);
      return [{ fact, kind: accepted, conditions, goals: value.goal ?? [], reasons: [] }];
    });
  }

  #orderedRequests(requests: readonly Read<'ServiceRequest'>[]): Order[] {
    return requests.flatMap((read) => {
      const { value } = read;
      const fact = requestFact(read);
      this.#look(fact, null);
      const kind = orderKindOf(
        [...codesOf(value.code), ...(value.category ?? []).flatMap(codesOf)],
        (value.orderDetail ?? []).flatMap(codesOf),
      );
      // A proposal is what a referrer sends when somebody else is to decide: that is an application.
      const accepted = this.#acceptOrder(
        fact,
        value.status,
        [...ORDERED, 'proposal'].includes(value.intent ?? ''),
        kind,
      );
      if (accepted === null) return [];
      const conditions = this.#resolveAll(value.reasonReference, `${fact.source}.reasonReference`);
      const reasons = (value.reasonCode ?? []).flatMap((concept): Present[] => {
        const text = conceptText(concept);
        const codes = codesOf(concept);
        return text === '' ? [] : [{ fact: { ...fact, text, code: tokenOf(codes) }, codes, entry: null }];
      });
      return [{ fact, kind: accepted, conditions, goals: [], reasons }];
    });
  }

  #acceptOrder(
    fact: Fact,
    status: string | undefined,
    isOrdered: boolean,
    kind: ReturnType<typeof orderKindOf>,
  ): Order['kind'] | null {
    const why: CauseCode | null =
      status === 'entered-in-error'
        ? 'in-error'
        : status !== 'active' || isOver(fact, this.#context.today)
          ? 'finished'
          : kind === 'other-purpose'
            ? 'other-purpose'
            : !isOrdered
              ? 'not-an-order'
              : kind === 'unknown'
                ? 'orders-nothing-known'
                : null;
    if (why !== null) this.#setAside.push({ ...fact, why });
    // `why` is null only for the two kinds that order rehabilitation.
    return why === null ? (kind as Order['kind']) : null;
  }

  /** The reasons that fit, best first. Present conditions that do not fit are set aside, and orders for nothing present. */
  #reasons(
    present: readonly Present[],
    orders: readonly Order[],
    allConditions: readonly Read<'Condition'>[],
    visits: readonly Read<'Encounter'>[],
  ): { reasons: ProposedReason[]; goalsOf: (reason: ProposedReason) => readonly Reference[] } {
    const found: { reason: ProposedReason; order: Order | null }[] = [];
    // What conditions speak about is for them to say: they know whether it is over. By code and by group.
    const told = new Set(allConditions.map(({ value }) => tokenOf(codesOf(value.code))));
    const toldGroups = new Set(allConditions.map(({ value }) => reasonGroupOf(codesOf(value.code))?.id));
    // Orders by name first, so that a condition with both is proposed on the stronger ground.
    const ordersOf = new Map<Entry, Order[]>();
    const link = (entry: Entry, order: Order) => {
      const own = this.#canonical(entry);
      const orders = ordersOf.get(own);
      if (orders === undefined) ordersOf.set(own, [order]);
      else orders.push(order);
    };
    const byCode = Map.groupBy(present, ({ fact }) => fact.code);
    for (const order of [...orders].sort((a, b) => strength(b) - strength(a))) {
      for (const entry of order.conditions) link(entry, order);
      for (const { fact } of order.reasons) {
        for (const { entry } of (fact.code === null ? undefined : byCode.get(fact.code)) ?? []) {
          if (entry !== null) link(entry, order);
        }
      }
    }
    const used = new Set<Order>();
    for (const one of present) {
      const own = one.entry === null ? [] : (ordersOf.get(this.#canonical(one.entry)) ?? []);
      const [order] = own;
      const basis = this.#basisOf(one, reasonGroupOf(one.codes), order);
      if (typeof basis === 'object') {
        this.#setAside.push({ ...one.fact, why: basis.why });
        continue;
      }
      for (const each of own) used.add(each);
      found.push({ reason: { ...one.fact, basis, order: order?.fact ?? null }, order: order ?? null });
    }
    // A request may say its reason itself, without a condition beside it.
    const proposed = new Set<string | null>();
    for (const order of orders) {
      for (const one of order.reasons) {
        const basis = this.#basisOf(one, reasonGroupOf(one.codes), order);
        const { code } = one.fact;
        if (typeof basis === 'object' || (code !== null && told.has(code))) continue;
        used.add(order);
        if (code !== null && proposed.has(code)) continue;
        proposed.add(code);
        const reason = { ...one.fact, since: null, until: null, status: null, basis, order: order.fact };
        found.push({ reason, order });
      }
    }
    for (const order of orders) {
      if (!used.has(order)) this.#setAside.push({ ...order.fact, why: 'nothing-current' });
    }
    for (const read of visits) {
      for (const concept of read.value.reasonCode ?? []) {
        const codes = codesOf(concept);
        const group = reasonGroupOf(codes);
        const fact: Fact = {
          ...visitFact(read),
          text: conceptText(concept),
          code: tokenOf(codes),
          until: null,
        };
        if (group?.alone !== true || toldGroups.has(group.id) || proposed.has(fact.code)) continue;
        if (fact.text === '' || this.#isTooLongAgo(group, fact)) continue;
        proposed.add(fact.code);
        found.push({ reason: { ...fact, basis: 'reason-of-visit', order: null }, order: null });
      }
    }
    found.sort(
      (a, b) =>
        BASIS_RANK.indexOf(a.reason.basis) - BASIS_RANK.indexOf(b.reason.basis) ||
        compare(b.reason.since ?? '', a.reason.since ?? '') ||
        compare(a.reason.text, b.reason.text),
    );
    this.#visits(visits);
    return {
      reasons: found.map(({ reason }) => reason),
      goalsOf: (reason) => found.find((one) => one.reason === reason)?.order?.goals ?? [],
    };
  }

  #basisOf(
    one: Present,
    group: ReasonGroup | undefined,
    order: Order | undefined,
  ): BasisCode | { why: CauseCode } {
    if (isNeverAReason(one.codes)) return { why: 'not-a-reason' };
    if (order?.kind === 'rehabilitation') return 'rehabilitation-ordered';
    if (group === undefined) return { why: 'not-a-reason' };
    if (group.alone && !this.#isTooLongAgo(group, one.fact)) return 'calls-for-it';
    if (order?.kind === 'therapy') return 'therapy-ordered';
    return { why: group.alone ? 'too-long-ago' : 'needs-order' };
  }

  #isTooLongAgo(group: ReasonGroup, fact: Fact): boolean {
    if (group.months === undefined) return false;
    // Without a date nobody can say that it was recent.
    return fact.since === null || monthsBefore(this.#context.today, group.months) > fact.since.slice(0, 10);
  }

  #attend(
    conditions: readonly Read<'Condition'>[],
    procedures: readonly Read<'Procedure'>[],
    allergies: readonly Read<'AllergyIntolerance'>[],
    patient: Entry,
  ) {
    const seen = new Set<string>();
    const note = (attention: Attention, once: string) => {
      if (!seen.has(once)) this.#attention.push(attention);
      seen.add(once);
    };
    const certain = (value: { verificationStatus?: Concept | undefined }) =>
      !['entered-in-error', 'refuted'].includes(codeIn(value.verificationStatus) ?? '');
    const facts = [
      ...conditions
        .filter(({ value }) => certain(value))
        .map((read) => ({ fact: conditionFact(read), codes: codesOf(read.value.code) })),
      ...procedures
        .filter(({ value }) => value.status === 'completed')
        .map((read) => ({ fact: procedureFact(read), codes: codesOf(read.value.code) })),
    ];
    for (const { fact, codes } of facts) {
      const group = attentionGroupOf(codes);
      if (group === undefined) continue;
      note(
        { id: group.id, label: group.label, text: fact.text, since: fact.since, source: fact.source },
        `${group.id} ${fact.code}`,
      );
      if (group.exercise) this.#question('exercise-clearance', fact.source);
    }
    for (const { entry, value } of allergies) {
      const about = resolve(value.patient, this.#index);
      const text = conceptText(value.code);
      if (typeof about !== 'object' || !this.#sameAs(about, patient) || !certain(value) || text === '')
        continue;
      if (['inactive', 'resolved'].includes(codeIn(value.clinicalStatus) ?? '')) continue;
      note(
        { id: 'allergy', label: { en: 'Allergy', 'zh-Hans': '过敏' }, text, since: null, source: entry.path },
        `allergy ${text}`,
      );
    }
  }

  #earlier(procedures: readonly Read<'Procedure'>[]) {
    for (const read of procedures) {
      const fact = procedureFact(read);
      this.#look(fact, null);
      if (read.value.status !== 'completed' || orderKindOf(codesOf(read.value.code), []) !== 'rehabilitation')
        continue;
      this.#background.push({ ...fact, why: 'earlier' });
      this.#question('earlier-rehabilitation', fact.source);
    }
  }

  /** Keeps the newest date, and names visits for another purpose once for each: "drug rehabilitation" is none of ours. */
  #visits(visits: readonly Read<'Encounter'>[]) {
    const shown = new Map<string, SetAside>();
    for (const read of visits) {
      const fact = visitFact(read);
      this.#look(fact, null);
      if (orderKindOf((read.value.type ?? []).flatMap(codesOf), []) !== 'other-purpose') continue;
      const before = shown.get(fact.text);
      if (before === undefined || (before.since ?? '') < (fact.since ?? '')) {
        shown.set(fact.text, { ...fact, why: 'other-purpose' });
      }
    }
    this.#setAside.push(...shown.values());
  }

  #goals(references: readonly Reference[]): string[] {
    return this.#resolveAll(references, 'CarePlan.goal').flatMap((entry) => {
      // A goal that cannot be read is left out: goals are asked for anyway.
      const goal = entry.type === 'Goal' ? readAs('Goal', entry, []) : undefined;
      const isOpen = !['cancelled', 'completed', 'entered-in-error', 'rejected'].includes(
        goal?.lifecycleStatus ?? '',
      );
      const text = conceptText(goal?.description);
      return isOpen && text !== '' ? [text] : [];
    });
  }

  #ask(reason: ProposedReason | null, alternatives: readonly ProposedReason[], goals: readonly string[]) {
    if (reason === null) this.#question('reason');
    else {
      if (alternatives.length > 0)
        this.#question('choose-reason', ...alternatives.map(({ source }) => source));
      if (reason.basis === 'reason-of-visit') this.#question('diagnosis', reason.source);
      const old = monthsBefore(this.#context.today, OLD_REASON_YEARS * 12);
      const isOld = reason.since !== null && reason.since.slice(0, 10) < old;
      if (isOld || (reason.kind === 'condition' && reason.status === null))
        this.#question('still-current', reason.source);
    }
    if (!this.#bundle.entries.some((entry) => hasFunctionalResult(entry.raw))) this.#question('function');
    if (goals.length === 0) this.#question('goals');
    const newest = this.#newest?.slice(0, 10) ?? null;
    const limit = new Date(Date.parse(`${this.#context.today}T00:00:00Z`) - OLD_RECORD_DAYS * 86_400_000)
      .toISOString()
      .slice(0, 10);
    if (newest !== null && newest < limit) this.#question('newer-record');
    if (this.#oddDates.size > 0) this.#question('dates', ...this.#oddDates);
    if (this.#dangling.size > 0) this.#question('references', ...this.#dangling);
  }

  #question(code: QuestionCode, ...about: readonly string[]) {
    const asked = this.#asked.get(code) ?? [];
    asked.push(...about);
    this.#asked.set(code, asked);
  }

  /** Keeps the newest date and notes dates that cannot all be right. */
  #look(fact: Fact, birthDate: LocalDate | null) {
    const { today } = this.#context;
    for (const date of [fact.since, fact.until]) {
      if (date === null) continue;
      const isFuture = date.slice(0, 10) > today;
      // A running plan may honestly end in the future; a beginning in the future is what a slip looks like.
      if (isFuture && date === fact.since) this.#oddDates.add(fact.source);
      if (!isFuture && (this.#newest === null || date > this.#newest)) this.#newest = date;
    }
    const [since, until] = [fact.since ?? '', fact.until ?? ''];
    if (since !== '' && until !== '' && until < since.slice(0, until.length)) this.#oddDates.add(fact.source);
    if (since !== '' && birthDate !== null && since < birthDate.slice(0, since.length))
      this.#oddDates.add(fact.source);
  }

  /** The entry that stands for all entries of its name: the first. An entry without a name is itself. */
  #canonical(entry: Entry): Entry {
    const name = entry.fullUrl ?? (entry.id === undefined ? undefined : `${entry.type}/${entry.id}`);
    return (name === undefined ? undefined : this.#index.get(name)) ?? entry;
  }

  #sameAs(a: Entry, b: Entry): boolean {
    return this.#canonical(a) === this.#canonical(b);
  }

  #resolveAll(references: readonly Reference[] | undefined, path: string): Entry[] {
    return (references ?? []).flatMap((reference) => {
      const found = resolve(reference, this.#index);
      if (typeof found === 'object') return [found];
      if (found !== 'not-given') this.#dangling.add(path);
      return [];
    });
  }

  #unused(): Record<string, number> {
    const used = [
      'Patient',
      'Condition',
      'CarePlan',
      'ServiceRequest',
      'Procedure',
      'Encounter',
      'AllergyIntolerance',
      'Goal',
    ];
    const counts = new Map<string, number>();
    for (const { type } of this.#bundle.entries) {
      // A type is counted under its own name only if it can be one; names come from outside.
      const shown = /^[A-Z][A-Za-z]{1,63}$/.test(type) ? type : 'other';
      if (!used.includes(type)) counts.set(shown, (counts.get(shown) ?? 0) + 1);
    }
    return Object.fromEntries([...counts].sort(([a], [b]) => compare(a, b)));
  }

  #duplicateKey({ value, entry }: Read<'Patient'>): string {
    const { hash } = this.#context;
    const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const identifiers = (value.identifier ?? [])
      .map(({ system = '', value: own = '' }) => `${system}|${own}`)
      .sort();
    // Each entry is hashed by itself and the digests sorted, so that neither order nor layout of the file matters.
    const contents = this.#bundle.entries
      .map(({ raw }) => hex(hash(canonicalBytes(withoutMeta(raw)))))
      .sort();
    const patient = identifiers.length > 0 ? identifiers : [entry.fullUrl ?? entry.id ?? ''];
    return hex(hash(canonicalBytes({ patient, contents: [...new Set(contents)] })));
  }
}

/** Rehabilitation by name before therapies it is made of. */
const strength = (order: Order): number => (order.kind === 'rehabilitation' ? 1 : 0);

/** `meta` holds when and by which server a resource was handed out, and changes from export to export. */
function withoutMeta({ meta: _, ...rest }: JsonObject): JsonObject {
  return rest;
}

function nameRank(use: string | undefined): number {
  const rank = ['official', 'usual', undefined, 'temp', 'nickname', 'anonymous', 'maiden', 'old'].indexOf(
    use,
  );
  return rank === -1 ? 3 : rank;
}

/** Scripts that write the family name first and without a space. */
const FAMILY_FIRST = /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]+$/u;

function nameText(name: NonNullable<Resource<'Patient'>['name']>[number]): string[] {
  const given = (name.given ?? []).filter((part) => part !== '');
  const family = name.family ?? '';
  if (name.text !== undefined && name.text !== '') return [name.text];
  const parts = [...given, family].filter((part) => part !== '');
  if (parts.length === 0) return [];
  return [parts.every((part) => FAMILY_FIRST.test(part)) ? [family, ...given].join('') : parts.join(' ')];
}

function codesOf(concept: Concept | undefined): Code[] {
  return (concept?.coding ?? []).flatMap(({ system, code }) =>
    system === undefined || code === undefined ? [] : [{ system, code }],
  );
}

/** The concept in words: its own text, else the first display. */
function conceptText(concept: Concept | undefined): string {
  return concept?.text || (concept?.coding ?? []).find(({ display }) => display)?.display || '';
}

function codeIn(concept: Concept | undefined): string | undefined {
  return concept?.coding?.[0]?.code;
}

function isOver(fact: Fact, today: LocalDate): boolean {
  return fact.until !== null && fact.until.slice(0, 10) < today.slice(0, Math.min(10, fact.until.length));
}

/** The day so many months before, for comparing; a day the month does not have sorts behind its last, as it should. */
function monthsBefore(day: LocalDate, months: number): string {
  const index = Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7)) - 1 - months;
  const pad = (value: number, width: number) => String(value).padStart(width, '0');
  return `${pad(Math.floor(index / 12), 4)}-${pad((index % 12) + 1, 2)}${day.slice(7)}`;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function conditionSince(value: Resource<'Condition'>): string | null {
  return value.onsetDateTime ?? value.onsetPeriod?.start ?? value.recordedDate ?? null;
}

function conditionFact({ entry, value }: Read<'Condition'>): Fact {
  return {
    kind: 'condition',
    text: conceptText(value.code),
    code: tokenOf(codesOf(value.code)),
    since: conditionSince(value),
    until: value.abatementDateTime ?? value.abatementPeriod?.end ?? value.onsetPeriod?.end ?? null,
    status: codeIn(value.clinicalStatus) ?? null,
    source: entry.path,
  };
}

function planFact({ entry, value }: Read<'CarePlan'>): Fact {
  const [first] = value.category ?? [];
  return {
    kind: 'plan',
    text: value.title || conceptText(first) || 'Care plan',
    code: tokenOf((value.category ?? []).flatMap(codesOf)),
    since: value.period?.start ?? null,
    until: value.period?.end ?? null,
    status: value.status ?? null,
    source: entry.path,
  };
}

function requestFact({ entry, value }: Read<'ServiceRequest'>): Fact {
  return {
    kind: 'request',
    text: conceptText(value.code) || 'Service request',
    code: tokenOf(codesOf(value.code)),
    since: value.authoredOn ?? null,
    until: null,
    status: value.status ?? null,
    source: entry.path,
  };
}

function procedureFact({ entry, value }: Read<'Procedure'>): Fact {
  return {
    kind: 'procedure',
    text: conceptText(value.code) || 'Procedure',
    code: tokenOf(codesOf(value.code)),
    since: value.performedDateTime ?? value.performedPeriod?.start ?? null,
    until: value.performedPeriod?.end ?? null,
    status: value.status ?? null,
    source: entry.path,
  };
}

function visitFact({ entry, value }: Read<'Encounter'>): Fact {
  const [first] = value.type ?? [];
  return {
    kind: 'visit',
    text: conceptText(first) || 'Visit',
    code: tokenOf((value.type ?? []).flatMap(codesOf)),
    since: value.period?.start ?? null,
    until: value.period?.end ?? null,
    status: value.status ?? null,
    source: entry.path,
  };
}
