import { errorText } from '../../../error-text.js';

/** An answer of the server; a refusal and an absence are different, and both have words. */
export type JsonAnswer<T> =
  | { readonly kind: 'ok'; readonly data: T }
  | { readonly kind: 'refused'; readonly status: number; readonly words: string }
  | { readonly kind: 'absent'; readonly words: string };

export async function getJson<T>(url: string, signal?: AbortSignal): Promise<JsonAnswer<T>> {
  return request<T>(url, signal === undefined ? {} : { signal });
}

/** Asks for something to be done. The header cannot be sent by a page of another origin. */
export async function act(
  url: string,
  body: { readonly who: string; readonly why: string; readonly [more: string]: unknown },
): Promise<JsonAnswer<{ readonly outcome: string }>> {
  return request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-registrar-action': '1' },
    body: JSON.stringify(body),
  });
}

async function request<T>(url: string, init: RequestInit): Promise<JsonAnswer<T>> {
  try {
    const response = await fetch(url, init);
    const body: unknown = await response.json();
    if (response.ok) return { kind: 'ok', data: body as T };
    const words =
      typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : response.statusText;
    return { kind: 'refused', status: response.status, words };
  } catch (error) {
    return { kind: 'absent', words: errorText(error) };
  }
}
