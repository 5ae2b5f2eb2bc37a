// Who may import whom (docs/adr/0003). One direction: data moves from web to verify, and a folder knows only what stands
// before it. Each rule says why. `test/arch/import-rules.test.ts` plants a violation of each and expects it to be caught.
const only = (from, to, why, extra = {}) => ({
  name: `${from.replace(/[^a-z]+/gi, '-')}-knows-only`,
  comment: why,
  severity: 'error',
  from: { path: `^${from}`, ...(extra.fromNot ? { pathNot: extra.fromNot } : {}) },
  to: { pathNot: to, ...(extra.to ?? {}) },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle has no first file to read.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nothing reaches is dead.',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: [
          '\\.d\\.ts$',
          '\\.config\\.ts$',
          '^drizzle',
          '^ledger/chaincode/',
          '^workflows/failure-converter',
          '^workflows/without-traces',
          '^web/assets/',
        ],
      },
      to: {},
    },
    only(
      'domain',
      ['^domain/', 'node_modules/zod/'],
      'The rules are pure: no I/O, no clock, no random; zod alone reads shapes.',
    ),
    {
      name: 'workflows-know-only',
      comment: 'Deterministic code: the rules, Temporal, and of the activities only their types.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: {
        pathNot: ['^workflows/', '^domain/', 'node_modules/@temporalio/(workflow|common)/', '^activities/'],
      },
    },
    {
      name: 'workflows-take-types-of-activities',
      comment: 'An activity in the workflow bundle would be I/O in deterministic code.',
      severity: 'error',
      from: { path: '^workflows/' },
      to: { path: '^activities/', dependencyTypesNot: ['type-only'] },
    },
    only(
      'activities',
      [
        '^activities/',
        '^domain/',
        '^db/',
        '^ledger/(recorded|record-key|canonical|envelope|certificates|statement|signing|personal)',
        'node_modules/@temporalio/(activity|common)/',
        '^(node:)?(buffer|crypto)$',
      ],
      'Verbs decide by the rules and end in recorded(); they serve no page and talk to no chain.',
    ),
    only(
      'db',
      ['^db/', '^domain/', 'node_modules/(drizzle-orm|postgres)/'],
      'Tables, reads and statements; who signs or decides is not theirs.',
      { fromNot: '^db/guards' },
    ),
    {
      name: 'db-guards-know-only',
      comment: 'Compares the database with what the migrations say, and so reads their files.',
      severity: 'error',
      from: { path: '^db/guards' },
      to: { pathNot: ['^db/', '^domain/', 'node_modules/(drizzle-orm|postgres)/', '^(node:)?(fs|path)$'] },
    },
    {
      name: 'ledger-core-knows-only',
      comment: 'What an outsider runs to check us must need nothing of ours but the words of events.',
      severity: 'error',
      from: {
        path: '^ledger/(bytes|entry|envelope|statement|certificates|der|merkle|checkpoint|cosignature|tiles|receipt|canonical|verify[\\w-]*|reader|evidence/[\\w-]+)\\.ts$',
      },
      to: {
        pathNot: [
          '^ledger/(bytes|entry|envelope|statement|certificates|der|merkle|checkpoint|cosignature|tiles|receipt|canonical|verify[\\w-]*|reader|signing|record-key|evidence/[\\w-]+)\\.ts$',
          '^domain/(events|consortium)\\.ts$',
          'node_modules/(canonicalize|fflate)/',
        ],
      },
    },
    {
      name: 'ledger-writes-know-only',
      comment: 'The promise and the order of the log rest on the tables and the core alone.',
      severity: 'error',
      from: { path: '^ledger/(recorded|sequencer)\\.ts$' },
      to: { pathNot: ['^ledger/', '^db/', '^domain/', 'node_modules/postgres/', '^(node:)?crypto$'] },
    },
    {
      name: 'only-the-anchor-knows-the-chain',
      comment: 'Nothing that decides or shows waits for the chain.',
      severity: 'error',
      from: { path: '^(activities|db|domain|workflows|web|ledger/(recorded|sequencer|entry|merkle))' },
      to: { path: '^ledger/fabric/' },
    },
    {
      name: 'chaincode-knows-only',
      comment: 'The chaincode runs on the members’ machines and shares only the tree and the checkpoint.',
      severity: 'error',
      from: { path: '^ledger/chaincode/' },
      to: {
        path: '^(activities|bin|db|engines|web|workflows|fhir|ledger/(recorded|sequencer|anchor|fabric|record-key|signing))',
      },
    },
    {
      name: 'web-knows-only',
      comment: 'The web reads views, asks Temporal from one file and writes from one file.',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^(activities|engines|bin|bench|test|ledger/(sequencer|anchor|fabric|chaincode))/?' },
    },
    {
      name: 'web-writes-from-one-file',
      comment:
        'Every write of the web ends in recorded(), from web/recorded.ts and recorded-people.ts and nowhere else.',
      severity: 'error',
      from: { path: '^web/', pathNot: '^web/recorded(-people)?\\.ts$' },
      to: {
        path: '^(ledger/recorded|db/writes/(alerts|claims|case-facts|invitations|people|roles))',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'web-asks-from-one-file',
      comment: 'One file talks to Temporal, so that one file knows what an unanswered question means.',
      severity: 'error',
      from: { path: '^web/', pathNot: '^web/ask\\.ts$' },
      to: { path: 'node_modules/@temporalio/client/' },
    },
    {
      name: 'web-knows-messages-only',
      comment: 'Of the workflow the web knows the messages.',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^workflows/', pathNot: '^workflows/messages\\.ts$' },
    },
    only(
      'engines',
      [
        '^engines/',
        '^domain/(consortium|parameters)',
        '^ledger/(fabric|chaincode)/',
        'node_modules/',
        '^(node:)?[a-z_/]+$',
      ],
      'Engines are run, not asked about cases.',
    ),
    {
      name: 'engines-are-run-by-bin',
      comment: 'The product must not need to start its own engines.',
      severity: 'error',
      from: { pathNot: '^(engines|bin|test|bench)/' },
      to: { path: '^engines/' },
    },
    only(
      'fhir',
      ['^fhir/', '^domain/', '^ledger/(canonical|merkle)\\.ts$', 'node_modules/zod/'],
      'Mapping only; the door is the web’s.',
    ),
    {
      name: 'nobody-imports-composition',
      comment: 'Composition roots are the ends of the arrows.',
      severity: 'error',
      from: { pathNot: '^(bin|bench|test)/' },
      to: { path: '^(bin|bench|test)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|node_modules/\\.cache)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
