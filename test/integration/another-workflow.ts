import { condition, sleep } from '@temporalio/workflow';

/** Another workflow of the registration's name: no worker of the registrar can replay its history. */
export async function registration(): Promise<void> {
  await sleep(1);
  await condition(() => false);
}
