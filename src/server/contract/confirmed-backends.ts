import type { CompiledContract } from '../../contracts/compiled.js';

/** Which backends the reducer counts as confirmed: by the flags that confirmations set, else by its status alone. */
export function confirmedBackends(
  reducer: object | undefined,
  status: string | null,
  contract: CompiledContract,
): Record<string, boolean> {
  const flags = new Map(reducer === undefined ? [] : Object.entries(reducer));
  const complete = status !== null && status === statusWhenConfirmed(contract);
  const { effects, confirmations } = contract;
  return Object.fromEntries(
    Object.values(effects).flatMap(({ backend, confirmation }) => {
      const flag = confirmations[confirmation]?.flag ?? null;
      return flag === null ? [] : [[backend, flags.size > 0 ? flags.get(flag) === true : complete] as const];
    }),
  );
}

/** The reducer's status when every backend has confirmed: confirmations lead to it, and none leads on. */
function statusWhenConfirmed({ reducer, confirmations }: CompiledContract): string | undefined {
  const triggers = new Set(Object.values(confirmations).map(({ trigger }) => trigger));
  const onward = Object.entries(reducer.states).map(([name, { transitions }]) => ({
    name,
    to: Object.entries(transitions).flatMap(([trigger, { to }]) => (triggers.has(trigger) ? [to] : [])),
  }));
  return onward.flatMap(({ to }) => to).find((name) => onward.some((one) => one.name === name && one.to.length === 0));
}
