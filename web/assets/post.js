// Station 1, web: how the scripts of our pages send something and read the answer. Sends to our own addresses alone; an answer that is
// no JSON is an empty one.

/** Posts JSON; never fails for what the answer holds. */
export const post = async (path, body) => {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { ok: answer.ok, body: await answer.json().catch(() => ({})) };
};
