// Station 7, the checker's page: every word it says, in both languages. Explains each step to somebody who knows none of it.
import type { StepName } from '../check.ts';

const en = {
  title: 'Check evidence',
  lead: 'This page checks the evidence of one case by itself. It sends nothing anywhere and needs no network: you may switch it off.',
  evidence: 'Evidence file (case.zip)',
  trust: 'What you trust (trust.json)',
  trustHint:
    'Get trust.json from a member of the consortium that you trust, never together with the evidence. Whoever made up a case could have made up its keys as well.',
  check: 'Check',
  both: 'Choose both files.',
  working: 'Checking',
  holds: 'All of this holds.',
  open: 'Nothing is wrong. Not everything could be shown; see the steps that are marked open.',
  refused: 'This evidence is refused.',
  cannot: 'A file could not be read: ',
  under: (size: number, root: string) =>
    `Checked under the log’s checkpoint at ${size} entries, root ${root}.`,
  outcome: { holds: 'Holds', wrong: 'Wrong', open: 'Open' },
  entries: 'The entries',
  number: 'No.',
  at: 'Time stated by the service (UTC)',
  event: 'What happened',
  who: 'Who',
  place: 'Place in the log',
  shown: 'What is shown of it',
  signed: 'Signed',
  fields: (count: number) => `Fields shown: ${count}`,
  steps: {
    checkpoint: [
      'The checkpoint',
      'The log states its size and its root, one hash that depends on every entry. The log’s own key must have signed that statement, the key that trust.json names.',
    ],
    cosignatures: [
      'The witnesses',
      'Each member of the consortium watches that the log only grows, and cosigns what it saw. With two of three, the log cannot have shown you another past than it showed them. The time of a cosignature is the latest at which the entries existed.',
    ],
    inclusion: [
      'The entries are in the log',
      'Each entry’s bytes are hashed, and the hashes beside its path are folded in until one is left. That must be the root of the checkpoint: then these very bytes stand in the log at that place.',
    ],
    order: [
      'Nothing is left out between them',
      'Every entry of a case carries a number and the hash of the entry before it. They must run from 1 without a gap. That this is the newest entry no file can show: ask for a newer one.',
    ],
    service: [
      'Signed by the service',
      'The service signs each entry’s bytes. Its certificate must come from the hospital’s authority, for the service, and have been valid at that time.',
    ],
    persons: [
      'Signed by the persons who decided',
      'A decision is signed with a key that never left that person’s device. The certificate must come from the person’s own organisation, name the person and the role, and not have been revoked by then.',
    ],
    statements: [
      'What was signed, word for word',
      'A person signs the hash of the text that was on the screen. Where the text is shown here, its hash must be the one that was signed.',
    ],
    openings: [
      'The values that are shown',
      'An entry holds only digests of what was written. For every value shown there is an opening; opening and value hashed together must give the digest in the entry. What is not opened stays closed, to you and to us.',
    ],
    chain: [
      'The members’ chain',
      'Each leaf was also written to the chain that the three organisations run. The blocks are here with all that is signed of them: an orderer must have signed each, and the peers of a majority must have signed what was written.',
    ],
    parameters: [
      'Rules and program',
      'Every entry names the version of the limits in force and the hash of the program that decided. The members wrote the digest of the limits to their chain; the limits here must have it.',
    ],
  } satisfies Record<StepName, [title: string, why: string]>,
};

const zh: typeof en = {
  title: '核验证据',
  lead: '本页面独立核验一个个案的证据，不向任何地方发送数据，也不需要网络：您可以断开网络。',
  evidence: '证据包（case.zip）',
  trust: '您信任的依据（trust.json）',
  trustHint: '请从您信任的成员机构取得 trust.json，切勿与证据一同取得。能伪造个案的人也能伪造其密钥。',
  check: '核验',
  both: '请选择两个文件。',
  working: '正在核验',
  holds: '全部成立。',
  open: '未发现错误，但并非全部内容都能证明；请查看标为“未完全证明”的步骤。',
  refused: '此证据不予采信。',
  cannot: '文件无法读取：',
  under: (size, root) => `依据日志在 ${size} 条时的检查点核验，根为 ${root}。`,
  outcome: { holds: '成立', wrong: '错误', open: '未完全证明' },
  entries: '审计条目',
  number: '序号',
  at: '服务所述时间（UTC）',
  event: '事项',
  who: '人员',
  place: '日志中的位置',
  shown: '公开的内容',
  signed: '签署',
  fields: (count) => `展示的字段：${count}`,
  steps: {
    checkpoint: [
      '检查点',
      '日志声明其大小与根；根是依赖于每个条目的一个哈希值。该声明必须由 trust.json 所列的日志密钥签署。',
    ],
    cosignatures: [
      '见证',
      '联盟各成员监督日志只增不减，并联署其所见。三个成员中有两个联署，日志便不可能向您展示与向他们展示的不同的过去。联署时间是条目存在的最晚时间。',
    ],
    inclusion: [
      '条目在日志中',
      '对每个条目的字节求哈希，再与路径旁的哈希逐级合并，最后必须得到检查点的根：这些字节确实位于日志的该位置。',
    ],
    order: [
      '其间没有遗漏',
      '个案的每个条目都带有编号及前一条目的哈希，必须从 1 起连续。任何文件都无法证明其中最后一条就是最新的：可另索取新的文件。',
    ],
    service: ['由服务签署', '服务签署每个条目的字节。其证书必须由医院的证书机构为该服务签发，且当时有效。'],
    persons: [
      '由作出决定的人签署',
      '决定由从未离开本人设备的密钥签署。证书必须由本人所属机构签发，载明其人及角色，且当时未被吊销。',
    ],
    statements: ['所签署的原文', '签署的是屏幕上文字的哈希。此处展示原文时，其哈希必须与所签署的一致。'],
    openings: [
      '所展示的值',
      '条目只含所写内容的摘要。每个展示的值都附有开启值；两者一起求哈希必须得到条目中的摘要。未开启的内容对您和对我们都保持封闭。',
    ],
    chain: [
      '成员的链',
      '每个叶子也写入了三个机构共同运行的链。区块在此，含其全部被签署的内容：必须有排序节点签署，且多数机构的节点签署了所写内容。',
    ],
    parameters: [
      '规则与程序',
      '每个条目都载明当时有效的参数版本以及作出决定的程序的哈希。参数的摘要由成员写入链中；此处的参数必须与之一致。',
    ],
  },
};

/** The page's words in the language that a browser asks for. */
export const wordsFor = (language: string): typeof en => (/^zh\b/i.test(language) ? zh : en);
