import { v5, validate } from 'uuid';

/** Namespace of every id that we derive (RFC 9562, section 5.5): v5 of the DNS namespace and "node-registrar". */
const NAMESPACE = 'f9f05cc7-68a6-555a-973a-bdcaec57046e';

/**
 * A deterministic id: the same parts always give the same id, other parts
 * another one. Parts are joined with a separator that none of them may hold,
 * so ("a", "bc") and ("ab", "c") differ.
 *
 * @param parts what the id stands for, in a fixed order
 */
export function derivedId(...parts: readonly (string | number)[]): string {
  return v5(parts.join('\u001f'), NAMESPACE);
}

/**
 * An id as a UUID of RFC 9562: the id itself where it is one, else one derived from it. Some nodes send ids that only
 * look like a UUID.
 */
export function asUuid(id: string): string {
  return validate(id) ? id : derivedId(id);
}
