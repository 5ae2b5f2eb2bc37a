// End to end: one story per role on one whole machine: real engines, real processes, a real browser. One file, because the
// stories share the machine and build on each other: empty pages first, then lives, then everything that was left behind.
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { everyDoor } from './crawl.ts';
import { importAndDrive } from './import-and-drive.ts';
import { keptBack } from './kept-back.ts';
import { type Left, lives } from './life.ts';
import { officersDays } from './officer.ts';
import { emptyPages, everyForm, fullPages } from './pages.ts';
import { signingIn } from './sign-in.ts';
import { watching } from './watching.ts';
import { openWorld, type World } from './world.ts';

let world: World;
const left: Left = { cases: new Map() };

beforeAll(async () => {
  world = await openWorld();
}, 1_500_000); // the first start on a machine builds the engines
afterAll(async () => {
  await world?.close();
}, 120_000);
afterEach(() => {
  expect(world.trouble.splice(0)).toEqual([]);
});

const here = (): World => world;
emptyPages(here);
signingIn(here);
lives(here, left);
watching(here, left);
officersDays(here, left);
everyForm(here);
importAndDrive(here);
everyDoor(here);
fullPages(here, left);
keptBack(here, left);
