// Station 1, web: the members' doors as the web knows them: asking for a person's certificate, for its revocation, and for the
// lists of what is revoked. Each organisation's door is its own; an answer that does not come is undefined, never an error.
import { z } from 'zod';
import type { Organisation } from '../../domain/consortium.ts';

/** What a member says of a request. */
const answer = z.object({
  id: z.uuid(),
  state: z.enum(['waiting', 'issued', 'refused']),
  approvals: z.number(),
  needed: z.number(),
  /** Two invented people approve by themselves; the page must say so. */
  demonstration: z.boolean().default(false),
  certificate: z.string().optional(),
});
export type MemberAnswer = z.infer<typeof answer>;

export interface Members {
  enrol(
    of: Organisation,
    asked: { readonly person: string; readonly role: string; readonly csr: string },
  ): Promise<MemberAnswer | undefined>;
  enrolment(of: Organisation, id: string): Promise<MemberAnswer | undefined>;
  revoke(
    of: Organisation,
    asked: { readonly fingerprint: string; readonly reason: string; readonly at: string },
  ): Promise<MemberAnswer | undefined>;
  /** PEM. */
  crl(of: Organisation): Promise<string | undefined>;
}

/** Sends a request to an organisation's door; undefined when there is none. May throw when nobody answers. */
export type SendToMember = (
  of: Organisation,
  path: string,
  init?: RequestInit,
) => Promise<Response> | undefined;

/** The doors behind a way of sending. Whatever is no answer of the right form is none. */
export function membersOver(send: SendToMember, note: (error: unknown) => void): Members {
  async function ask(of: Organisation, path: string, body?: unknown): Promise<Response | undefined> {
    try {
      const response = await send(of, path, {
        signal: AbortSignal.timeout(10_000),
        ...(body === undefined
          ? {}
          : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      if (response && !response.ok)
        note(new Error(`member refused a request: ${of} ${path} ${response.status}`));
      return response?.ok ? response : undefined;
    } catch (error) {
      note(error);
      return undefined;
    }
  }
  const said = async (response: Response | undefined): Promise<MemberAnswer | undefined> =>
    answer.safeParse(await response?.json().catch(() => undefined)).data;
  return {
    enrol: async (of, asked) => await said(await ask(of, '/enrolments', asked)),
    enrolment: async (of, id) => await said(await ask(of, `/enrolments/${id}`)),
    revoke: async (of, asked) => await said(await ask(of, '/revocations', asked)),
    crl: async (of) => await (await ask(of, '/crl'))?.text(),
  };
}
