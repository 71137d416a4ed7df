/** What must be read nowhere, by its name. */
export type Secrets = Readonly<Record<string, string>>;

/** The ways in which a secret may be written. */
export const formsOf = (secret: string): readonly string[] => [
  secret,
  encodeURIComponent(secret),
  encodeURI(secret),
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  Buffer.from(secret).toString('hex'),
];

/** Which secrets stand in a text, and where. */
export const leaksIn = (secrets: Secrets, where: string, text: string): readonly string[] =>
  Object.entries(secrets).flatMap(([name, secret]) =>
    formsOf(secret).some((form) => text.includes(form)) ? [`${name}: ${where}`] : [],
  );
