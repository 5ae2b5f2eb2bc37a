// Composition: where the three organisations agree on the log's and the witnesses' keys. On one machine their people meet
// in this process; each names what stands in its own trust.json, under its own identity.
// Never replaces what was agreed on before: a key that changed without its organisation's people shows at its member.
import { readFile } from 'node:fs/promises';
import { CHANNEL, LOG_ORIGIN, ORGANISATIONS, type Organisation } from '../domain/consortium.ts';
import { memberPaths } from '../engines/fabric/layout.ts';
import { giveTo, type Users } from '../engines/users.ts';
import { type MemberChain, openMemberChain } from '../ledger/fabric/client.ts';
import { readMemberProfile } from '../ledger/fabric/profile.ts';
import { ensureWitnessKey, readTrust, type Trust, trustPath, writeDurably } from '../ledger/member/folder.ts';

/**
 * Sees to it that each member has its witness key and the agreed trust in its folder, and that the keys are in force on
 * the chain. Idempotent; where all is in force it only reads. Needs the network up and its own data folder. What is
 * written into a member's folder becomes its user's, where there are such users.
 */
export async function agreeOnKeys(dataDir: string, logKey: string, users?: Users): Promise<void> {
  const chains = ORGANISATIONS.map((organisation): [Organisation, MemberChain] => [
    organisation,
    openMemberChain(readMemberProfile(memberPaths(dataDir, organisation).memberProfile)),
  ]);
  try {
    const agreed = await agreedTrust(dataDir, logKey, chains[0]![1]);
    await Promise.all(
      chains.map(async ([organisation]) => {
        const { member } = memberPaths(dataDir, organisation);
        if (readTrust(member) === undefined)
          await writeDurably(trustPath(member), `${JSON.stringify(agreed, null, 2)}\n`);
        if (users !== undefined) giveTo(member, users[organisation]);
      }),
    );
    // One organisation after the other: two words about one key at the same moment would conflict.
    for (const [organisation, chain] of chains) await nameKeys(dataDir, organisation, chain);
  } finally {
    for (const [, chain] of chains) chain.close();
  }
}

/** An organisation names on the chain whatever stands in its own trust.json and was not named yet. */
export async function nameKeys(
  dataDir: string,
  organisation: Organisation,
  chain: MemberChain,
): Promise<void> {
  const silent = await unnamed(dataDir, organisation, chain);
  await Promise.all(silent.map(({ kind, name, vkey }) => chain.registerKey(kind, name, vkey)));
}

type NamedKey = { readonly kind: 'log' | 'witness'; readonly name: string; readonly vkey: string };

/** The keys in an organisation's own trust.json that it has not named on the chain. */
async function unnamed(dataDir: string, organisation: Organisation, chain: MemberChain): Promise<NamedKey[]> {
  const trust = readTrust(memberPaths(dataDir, organisation).member);
  if (trust === undefined) return [];
  const keys: NamedKey[] = [
    { kind: 'log', name: trust.origin, vkey: trust.log },
    ...ORGANISATIONS.map((name): NamedKey => ({ kind: 'witness', name, vkey: trust.witnesses[name] })),
  ];
  const known = await chain.keys();
  return keys.filter(
    ({ kind, name, vkey }) =>
      !known.some((key) => key.kind === kind && key.name === name && key.proposals[organisation] === vkey),
  );
}

async function agreedTrust(dataDir: string, log: string, chain: MemberChain): Promise<Trust> {
  const witnesses: Partial<Record<Organisation, string>> = {};
  const roots: Partial<Record<Organisation, string>> = {};
  for (const organisation of ORGANISATIONS) {
    const { member, memberRoot } = memberPaths(dataDir, organisation);
    witnesses[organisation] = await ensureWitnessKey(member, organisation);
    roots[organisation] = await readFile(memberRoot, 'utf8');
  }
  return {
    origin: LOG_ORIGIN,
    log,
    // One entry per organisation, by the loop above.
    witnesses: witnesses as Trust['witnesses'],
    roots: roots as Trust['roots'],
    channel: CHANNEL,
    genesis: await chain.genesis(),
  };
}
