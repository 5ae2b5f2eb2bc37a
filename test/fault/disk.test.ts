// A disk that is full (SECURITY.md X13): Postgres, Temporal, peers, orderers, members, keys and logs on one disk without another
// block. Acts are refused in plain words, none that was confirmed is lost, and everything goes on by itself once there is space.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { application } from '../../bin/drive/answers.ts';
import type { Answer } from '../../bin/drive/browser.ts';
import { drawFrom } from '../../bin/drive/draw.ts';
import { meetPeople, type Person } from '../../bin/drive/people.ts';
import { en } from '../../web/text/en.ts';
import { maySmallDisk } from '../support/small-disk.ts';
import { type FaultMachine, startFaultMachine } from './machine.ts';

/** A machine's own data take about 450 MiB, most of it space that the orderers take in advance. */
const DISK_MIB = 1200;
/** How many applications are tried while the disk is full; the space that Postgres has taken before lasts for some. */
const TRIES = 400;

const may = await maySmallDisk();
let machine: FaultMachine;
const figures: Record<string, unknown> = {};

beforeAll(async () => {
  if (may) machine = await startFaultMachine({ diskMiB: DISK_MIB });
}, 1_200_000); // first builds take minutes
afterAll(async () => {
  console.info(`full disk: ${JSON.stringify(figures)}`);
  await machine?.stop();
}, 120_000);

/** Somebody who sends a form once and takes what comes for an answer. */
async function hastyReferrer(): Promise<Person> {
  const found = (await meetPeople(machine.run().web, 1)).find(({ role }) => role === 'referrer');
  if (!found) throw new Error('nobody in that role: referrer');
  return found;
}

let seeds = 0;
/** Opens an application's form and sends it once. `key` is undefined when the form itself was refused. */
async function applyOnce(person: Person): Promise<{ key: string | undefined; answer: Answer }> {
  const opened = await person.browser.get('/apply');
  const form = opened.page.forms.find(({ method, action }) => method === 'post' && /^\/apply$/.test(action));
  if (!form) return { key: undefined, answer: opened };
  const key = form.controls.find(({ name }) => name === 'key')?.value ?? '';
  const answer = await person.browser.submit(form, application(form, drawFrom(78, ++seeds), new Date()));
  if (answer.done) machine.acknowledge(key, 'submit-application');
  return { key, answer };
}

/** Command lines of processes that this one started, that live, and that the supervisor does not know. */
function strangers(): string[] {
  const known = new Set(Object.values(machine.stackPids()).map(String));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !known.has(name))
    .flatMap((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
        if (fields[1] !== String(process.pid) || fields[0] === 'Z') return [];
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch {
        return []; // ended while we looked
      }
    });
}

/** Writes to Postgres' log until it finds no space for more; gives how many MiB that took. */
async function useUpWal(): Promise<number> {
  const owner = postgres(machine.run().postgres.owner, { max: 1, onnotice: () => undefined });
  let written = 0;
  try {
    for (; written < DISK_MIB; written += 1)
      await owner`select pg_logical_emit_message(true, 'full', repeat('x', 1024 * 1024))`;
  } catch {
    return written;
  } finally {
    await owner.end({ timeout: 1 });
  }
  throw new Error('Postgres found more space than the disk has');
}

describe.runIf(may)('a full disk', () => {
  const waiting: string[] = [];

  test('refuses acts in plain words, and says when to try again', async () => {
    const person = await hastyReferrer();
    await person.home();
    expect((await applyOnce(person)).answer.done).toBe(true);
    await machine.atRest();
    const before = await machine.backlog();
    const own = (await person.home()).page.links.find(({ href }) => /^\/cases\/[0-9a-f-]{36}/.test(href));
    if (!own) throw new Error('first page does not lead to the case');
    machine.disk?.fill();
    const refused: Answer[] = [];
    let done = 0;
    for (let tries = 0; tries < TRIES && refused.length < 3; tries += 1) {
      const { key, answer } = await applyOnce(person);
      if (answer.done) done += 1;
      else if (answer.status === 503) refused.push(answer);
      else expect({ status: answer.status, title: answer.page.title }).toMatchObject({ status: 202 });
      if (key !== undefined && !answer.done) waiting.push(key);
    }
    // A new case needs a key file before all else. What needs Postgres alone: whoever opens a case leaves an entry. The space
    // that Postgres has taken before would last for many, so it is used up first.
    figures.usedUpMiB = await useUpWal();
    let opened = 0;
    for (let tries = 0; tries < TRIES && refused.length < 4; tries += 1) {
      const answer = await person.browser.get(own.href);
      if (answer.status === 503) refused.push(answer);
      else opened += 1;
    }
    figures.full = {
      opened,
      done,
      waiting: waiting.length,
      refused: refused.length,
      entries: before.entries,
    };
    expect(refused).toHaveLength(4);
    for (const { body } of refused) {
      expect(body).toContain(en.errors.down);
      expect(body).not.toMatch(/\bat .*\.tsx?:\d|ENOSPC|No space left/);
    }
  }, 600_000);

  test('lets nobody start twice, whatever dies meanwhile', async () => {
    // The supervisor's guard, and what a start has used.
    const before = strangers();
    for (const name of ['ledger', 'worker', 'postgres', 'temporal', 'peer-association', 'member-hospital'])
      try {
        process.kill(machine.pid(name), 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    // Long enough for several tries to start each of them again.
    await sleep(8000);
    figures.said = machine.said.length;
    expect(strangers()).toEqual(before);
  }, 120_000);

  test('goes on by itself once there is space: every confirmed act is there once, and all is sound', async () => {
    machine.disk?.free();
    const person = await hastyReferrer();
    await expect
      .poll(async () => (await applyOnce(person).catch(() => undefined))?.answer.done, {
        timeout: 120_000,
        interval: 1000,
      })
      .toBe(true);
    figures.after = await machine.oracle({ settled: process.env.REHAB_SOAK === '1' });
  }, 300_000);
});
