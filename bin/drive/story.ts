// Drive, one case: its people do its steps one after another, each finding the way by what their pages show. Says what became
// of it; an answer that nobody intended is an error, one that the plot intends is not.
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../../domain/lifecycle.ts';
import { text } from '../../web/text/text.ts';
import { acknowledgement, application, oneText, taskAnswers } from './answers.ts';
import type { Answer } from './browser.ts';
import type { Draw } from './draw.ts';
import { type Control, type Filling, type Form, type Link, nextOf, type Page } from './page.ts';
import type { Person } from './people.ts';
import type { Plot, Step, TaskStep } from './plot.ts';

/** Words of the pages, in the language the browsers ask for. */
const WORDS = text('en', 'UTC');
const CASE_NUMBER = /\bRC-[0-9A-Z]{4}-[0-9A-Z]{2}\b/;
/** Pages of a list that are looked through. */
const LIST_PAGES = 400;
/** How often a task is looked for that is not there yet, and the pause between. */
const LOOKS = 20;
const LOOK_PAUSE_MS = 250;

/** What is measured and counted over all cases. */
export interface Tally {
  /** A decision was acknowledged: how long it took from the last click to its answer. */
  decided(took: number): void;
}

/** Something happened that the plot did not intend. Its words hold no patient's data. */
export class Unintended extends Error {
  override readonly name = 'Unintended';
}

export interface StoryDeps {
  readonly people: ReadonlyMap<string, Person>;
  readonly plot: Plot;
  readonly draw: Draw;
  readonly tally: Tally;
  /** Address of a draft that was made of a record, as its page or the import said. */
  readonly draft?: string;
  /** File that gets one line per acknowledged decision. */
  readonly acknowledged?: string;
  readonly now: () => Date;
}

export interface Ending {
  readonly number: string;
  readonly outcome: Outcome | undefined;
}

const pathOf = (href: string): string => new URL(href, 'http://page').pathname;

const linkTo = (page: Page, fits: (path: string, link: Link) => boolean): Link | undefined =>
  page.links.find((link) => fits(pathOf(link.href), link));

const formTo = (page: Page, path: RegExp): Form | undefined =>
  page.forms.find((form) => form.method === 'post' && path.test(pathOf(form.action)));

const heldIn = (form: Form, name: string): string =>
  form.controls.find((control) => control.name === name)?.value ?? '';

/** What an answer says went wrong, without anything a person wrote. */
const complaint = (answer: Answer): string =>
  `${answer.status} ${answer.page.faults.slice(0, 3).join('; ') || answer.page.title}`.slice(0, 300);

/** Lives one case through. Throws Unintended, NotOffered or NoAnswer when it cannot go on. */
export async function live(deps: StoryDeps): Promise<Ending> {
  const { plot, draw, tally } = deps;
  let caseId = '';
  let number = '';

  const person = (id: string, role?: string): Person => {
    const found = deps.people.get(role ? `${id} ${role}` : id);
    if (!found) throw new Unintended(`nobody to do it: ${role ?? 'staff'}`);
    return found;
  };
  const applicant = person(plot.applicant.id, plot.applicant.role);

  /** Sends the form that decides, and demands that it was taken. */
  async function decide(
    who: Person,
    form: Form,
    filling: Filling,
    what: string,
    button?: Control,
  ): Promise<Answer> {
    const key = heldIn(form, 'key');
    const answer = await who.browser.submit(form, filling, button);
    // Back at the page where it is signed: the signature was not taken.
    if (!answer.done || /\/sign$/.test(pathOf(answer.at)))
      throw new Unintended(`${what} was not taken: ${complaint(answer)}`);
    tally.decided(answer.took);
    if (deps.acknowledged)
      appendFileSync(
        deps.acknowledged,
        `${JSON.stringify({ key, what, case: number, took: Math.round(answer.took), repeats: answer.repeats })}\n`,
      );
    return answer;
  }

  async function apply(): Promise<void> {
    const home = await applicant.home();
    let form: Answer;
    if (deps.draft) form = await applicant.browser.get(deps.draft);
    else {
      const link = linkTo(home.page, (path) => path === '/apply');
      if (!link) throw new Unintended('applying is not offered on the first page');
      form = await applicant.browser.get(link.href);
    }
    const paper = formTo(form.page, /^\/apply$/);
    if (!paper) throw new Unintended(`application form is missing: ${complaint(form)}`);
    const answer = await decide(applicant, paper, application(paper, draw, deps.now()), 'submit-application');
    number = CASE_NUMBER.exec(answer.page.words)?.[0] ?? '';
    if (!number) throw new Unintended('page after applying does not say the case number');
    caseId = new URL(answer.at, 'http://page').searchParams.get('case') ?? (await caseIdIn());
  }

  /** The case's id as the applicant's first page links it. */
  async function caseIdIn(): Promise<string> {
    const { page } = await applicant.home();
    const links = page.links.filter(({ href }) => /^\/cases\/[0-9a-f-]{36}/.test(pathOf(href)));
    const own =
      links.find(({ words }) => words.includes(number)) ??
      (page.words.includes(number) ? links[0] : undefined);
    const id = own && pathOf(own.href).split('/')[2];
    if (!id) throw new Unintended('first page does not lead to the new case');
    return id;
  }

  /** The applicant's page of the case. */
  async function ownCase(): Promise<Answer> {
    const home = await applicant.home();
    const own = linkTo(home.page, (path, link) => path === `/cases/${caseId}` && link.words.includes(number));
    // Who has one case only sees it at once.
    if (!own) return home;
    return await applicant.browser.get(own.href);
  }

  async function applicantAct(act: 'provide-papers' | 'withdraw' | 'appeal'): Promise<void> {
    const segment = { 'provide-papers': 'papers', withdraw: 'withdraw', appeal: 'appeal' }[act];
    const path = `/cases/${caseId}/${segment}`;
    const page = await ownCase();
    const link = linkTo(page.page, (to) => to === path);
    if (!link) throw new Unintended(`${act} is not offered on the case's page: ${complaint(page)}`);
    const opened = await applicant.browser.get(link.href);
    const form = opened.page.forms.find((one) => one.method === 'post' && pathOf(one.action) === path);
    if (!form) throw new Unintended(`${act} has no form: ${complaint(opened)}`);
    await decide(applicant, form, oneText(form, act, draw), act);
  }

  /** Finds a task of this case in somebody's lists, as its link. */
  async function findTask(who: Person, step: TaskStep): Promise<Link> {
    const plain = WORDS.tasks[step.kind];
    const words = step.discipline ? WORDS.taskWithDiscipline(plain, step.discipline) : plain;
    const fits = (path: string, link: Link): boolean =>
      /^\/tasks\/[0-9a-f-]{36}$/.test(path) && link.row.includes(number) && link.row.includes(words);
    for (let look = 0; look < LOOKS; look++) {
      const home = await who.home();
      const here = linkTo(home.page, fits);
      if (here) return here;
      const queue =
        pathOf(home.at) === '/queue' ? home : await follow(who, home.page, (path) => path === '/queue');
      // The list is long: its own filter makes it short.
      const filter = queue.page.forms.find(
        (form) => form.method === 'get' && form.controls.some(({ name }) => name === 'kind'),
      );
      let list = filter ? await who.browser.submit(filter, { kind: step.kind }) : queue;
      for (let n = 0; n < LIST_PAGES; n++) {
        const link = linkTo(list.page, fits);
        if (link) return link;
        const next = nextOf(list.page);
        if (!next) break;
        list = await who.browser.get(next.href);
      }
      await sleep(LOOK_PAUSE_MS);
    }
    throw new Unintended(`task is not in the lists of whoever should do it: ${step.kind}`);
  }

  async function follow(
    who: Person,
    page: Page,
    fits: (path: string, link: Link) => boolean,
  ): Promise<Answer> {
    const link = linkTo(page, fits);
    if (!link) throw new Unintended('page does not lead to the queue');
    return await who.browser.get(link.href);
  }

  /** Opens a task and claims it; gives the form to fill in. */
  async function take(who: Person, step: TaskStep): Promise<Form> {
    const link = await findTask(who, step);
    let shown = await who.browser.get(link.href);
    const claim = formTo(shown.page, /^\/tasks\/[^/]+\/claim$/);
    if (claim) {
      shown = await who.browser.submit(claim);
      if (!shown.done) throw new Unintended(`${step.kind} could not be claimed: ${complaint(shown)}`);
    }
    const form = formTo(shown.page, /^\/tasks\/[^/]+\/(check|sign)$/);
    if (!form) throw new Unintended(`${step.kind} has no form after it was claimed: ${complaint(shown)}`);
    return form;
  }

  /** Fills the form in, passes the page that checks the decision where there is one, signs, and gives what is left to send. */
  async function toSend(who: Person, step: TaskStep, form: Form): Promise<Form> {
    let last = form;
    let filling = taskAnswers(form, step, draw);
    if (/\/check$/.test(pathOf(form.action))) {
      const checked = await who.browser.submit(form, filling);
      const checkedForm = formTo(checked.page, /^\/tasks\/[^/]+\/sign$/);
      if (checked.status !== 200 || !checkedForm)
        throw new Unintended(`${step.kind} did not pass its check: ${complaint(checked)}`);
      last = checkedForm;
      filling = {};
    }
    const shown = await who.browser.submit(last, filling);
    if (!shown.done) throw new Unintended(`${step.kind} was not put before its signer: ${complaint(shown)}`);
    return await who.key.sign(shown);
  }

  async function doTask(step: TaskStep): Promise<void> {
    const who = person(step.who);
    const answer = await decide(who, await toSend(who, step, await take(who, step)), {}, step.kind);
    await acknowledge(who, answer);
  }

  /** Takes up the safety alerts that this person's act has raised in this case, where its answer leads to them. */
  async function acknowledge(who: Person, answer: Answer): Promise<void> {
    const path = new RegExp(`^/cases/${caseId}/alerts/[0-9a-f-]{36}$`);
    const raised = new Set(answer.page.links.map(({ href }) => pathOf(href)).filter((to) => path.test(to)));
    for (const to of raised) {
      const opened = await who.browser.get(to);
      const form = formTo(opened.page, path);
      const answer = form ? await who.browser.submit(form, acknowledgement(form, draw)) : opened;
      // A colleague who assesses the same case at the same time may be quicker; the page then says what they did.
      const takenUp =
        !formTo(answer.page, path) &&
        Object.values(WORDS.alerts.reasons).some((words) => answer.page.words.includes(words));
      if (!answer.done && !takenUp)
        throw new Unintended(`safety alert was not acknowledged: ${complaint(answer)}`);
    }
  }

  async function withdraw(): Promise<void> {
    if (!plot.tooLate) return await applicantAct('withdraw');
    const who = person(plot.tooLate.who);
    const form = await toSend(who, plot.tooLate, await take(who, plot.tooLate));
    await applicantAct('withdraw');
    const late = await who.browser.submit(form);
    if (late.status !== 409)
      throw new Unintended(`${plot.tooLate.kind} after the withdrawal was answered ${late.status}, not 409`);
  }

  async function perform(step: Step): Promise<void> {
    switch (step.do) {
      case 'apply':
        return await apply();
      case 'provide-papers':
      case 'appeal':
        return await applicantAct(step.do);
      case 'withdraw':
        return await withdraw();
      case 'task':
        return await doTask(step);
      default:
        return step satisfies never;
    }
  }

  for (const scene of plot.scenes)
    await Promise.all(
      scene.map(async (chain) => {
        for (const step of chain) await perform(step);
      }),
    );

  // What the applicant is shown at the end is how it ended.
  const shown = await ownCase();
  const outcome = (Object.keys(WORDS.outcomes) as Outcome[]).find((one) =>
    shown.page.words.includes(WORDS.my.outcome(WORDS.outcomes[one])),
  );
  return { number, outcome };
}
