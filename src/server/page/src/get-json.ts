/** An answer of the server; a refusal and an absence are different, and both have words. */
export type Answer<T> =
  | { readonly kind: 'ok'; readonly data: T }
  | { readonly kind: 'refused'; readonly status: number; readonly words: string }
  | { readonly kind: 'absent'; readonly words: string };

export async function getJson<T>(url: string, signal?: AbortSignal): Promise<Answer<T>> {
  return ask<T>(url, signal === undefined ? {} : { signal });
}

/** Asks for something to be done. The header cannot be sent by a page of another origin. */
export async function act(
  url: string,
  body: { readonly who: string; readonly why: string; readonly [more: string]: unknown },
): Promise<Answer<{ readonly outcome: string }>> {
  return ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-registrar-action': '1' },
    body: JSON.stringify(body),
  });
}

async function ask<T>(url: string, init: RequestInit): Promise<Answer<T>> {
  try {
    const response = await fetch(url, init);
    const body: unknown = await response.json();
    if (response.ok) return { kind: 'ok', data: body as T };
    const words =
      typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : response.statusText;
    return { kind: 'refused', status: response.status, words };
  } catch (error) {
    return { kind: 'absent', words: error instanceof Error ? error.message : String(error) };
  }
}
