import { condition, sleep } from '@temporalio/workflow';

/** Another workflow of the registration's name: no worker of the registrar can replay its history. */
export async function registration(): Promise<void> {
  await sleep(1);
  await condition(() => false);
}

/** A workflow whose code fails, with words of what it was given. */
export function faulty(given: string): Promise<void> {
  throw new TypeError(`a fault of the code that was given ${given}`);
}
