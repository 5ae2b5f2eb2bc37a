// The web world itself: people sign in through the app's own door, and a foreign origin gets nowhere.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWebWorld, type WebWorld } from '../support/web-world.ts';

let world: WebWorld;
beforeAll(async () => {
  world = await createWebWorld();
});
afterAll(() => world.close());

test('a person of the cast signs in and lands on their page', async () => {
  const officer = await world.signIn('officerA');
  const landing = await officer.get('/');
  expect(landing.status).toBe(303);
  expect(landing.headers.get('location')).toBe('/queue');
});

test('a form from another origin is refused before any session is looked at', async () => {
  const officer = await world.signIn('officerA');
  const answer = await officer.post('/sign-out', {}, { origin: 'https://elsewhere.test' });
  expect(answer.status).toBe(403);
  expect((await officer.get('/')).headers.get('location')).toBe('/queue');
});
