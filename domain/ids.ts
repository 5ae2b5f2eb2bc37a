// Station 0, vocabulary: how ids are built and read back. Pure: random bytes come as an argument.
// Never puts anything about a person into an id.

/** Letters and digits without vowels and look-alikes, so that a number can be spoken and spells nothing. */
const ALPHABET = 'BCDFGHJKMNPQRSTVWXZ23456789';

const checkCharacter = (body: string): string => {
  // ISO 7064 style weighted sum: catches one wrong character and two swapped neighbours.
  let sum = 0;
  for (const [i, character] of [...body].entries()) sum += ALPHABET.indexOf(character) * (i + 2);
  return ALPHABET[sum % ALPHABET.length] as string;
};

/** A case number such as `RC-7QK4M-2`: five random characters and a check character. Needs 5 random bytes. */
export function caseNumber(random: Uint8Array): string {
  let body = '';
  for (let i = 0; i < 5; i++) body += ALPHABET[(random[i] as number) % ALPHABET.length];
  return `RC-${body.slice(0, 4)}-${body.slice(4)}${checkCharacter(body)}`;
}

/** The case number a person typed, in its one spelling, or undefined when it cannot be one. */
export function readCaseNumber(text: string): string | undefined {
  const plain = text.trim().toUpperCase().replace(/^RC/, '').replace(/[\s-]/g, '');
  if (plain.length !== 6 || [...plain].some((c) => !ALPHABET.includes(c))) return undefined;
  if (checkCharacter(plain.slice(0, 5)) !== plain[5]) return undefined;
  return `RC-${plain.slice(0, 4)}-${plain.slice(4)}`;
}

const PREFIX = 'case-';

/** Temporal workflow id of a case. */
export const caseWorkflowId = (caseId: string): string => `${PREFIX}${caseId}`;

/** The case a workflow id belongs to, or undefined when it belongs to none. */
export const caseIdOf = (workflowId: string): string | undefined =>
  workflowId.startsWith(PREFIX) && isUuid(workflowId.slice(PREFIX.length))
    ? workflowId.slice(PREFIX.length)
    : undefined;

/** True for a UUID in its canonical lower-case spelling. */
export const isUuid = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);

/** A UUID version 8 (RFC 9562 section 5.8) from 16 bytes of a digest. */
export function uuidFrom(bytes: Uint8Array): string {
  const hex = [...bytes.subarray(0, 16)]
    .map((byte, i) =>
      (i === 6 ? (byte & 0x0f) | 0x80 : i === 8 ? (byte & 0x3f) | 0x80 : byte).toString(16).padStart(2, '0'),
    )
    .join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
