// Asking the server. An answer that has not changed costs a 304; a failure leaves what was shown before.

import { session } from "./login.js";

const PATIENCE = 20_000;

/** What the server or the way to it has against an answer; `wrong`: asking again would not help. */
export class Problem extends Error {
  constructor(text, { wrong = false, login = false } = {}) {
    super(text);
    this.wrong = wrong;
    this.login = login;
  }
}

const kept = new Map();
const MOST_KEPT = 40;

export function address(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(given).toString();
  return `api/${path}${search ? `?${search}` : ""}`;
}

/** Ask; returns `{data, problem, read_at, changed}`. */
export async function ask(path, query, signal) {
  const url = address(path, query);
  const before = kept.get(url);
  const response = await send(url, before ? { "If-None-Match": before.tag } : {}, signal);
  if (response.status === 304 && before) return { ...before.answer, changed: false };
  const answer = await read(response);
  kept.delete(url);
  kept.set(url, { tag: response.headers.get("etag"), answer });
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return { ...answer, changed: true };
}

/** Fetch a download with the session's token, as a plain link could not. */
export async function download(path, query) {
  const response = await send(address(path, query), {}, undefined);
  if (!response.ok) await read(response);
  const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1] ?? "windows.csv";
  return { name, blob: await response.blob() };
}

async function send(url, headers, signal) {
  const token = await session.token();
  const limit = AbortSignal.timeout(PATIENCE);
  try {
    return await fetch(url, {
      headers: token ? { ...headers, Authorization: `Bearer ${token}` } : headers,
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem("The server does not answer.");
  }
}

async function read(response) {
  let document = null;
  try {
    document = await response.json();
  } catch {
    // what is no JSON is told by its status alone
  }
  if (response.ok && document?.data !== undefined) return document;
  if (response.status === 401) {
    session.forget();
    throw new Problem("Your sign-in has ended.", { login: true });
  }
  if (response.status === 403) throw new Problem("You may not see this page's data: ask whoever runs it.");
  const text = document?.problem ?? `The server answered with ${response.status}.`;
  throw new Problem(text, { wrong: response.status === 400 });
}
