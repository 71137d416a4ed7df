import pc from 'picocolors';
import { errorText } from '../../error-text.js';
import type { RegisteredNode } from '../../node/index.js';
import { clock, counted, shown } from '../terminal/format.js';
import { command } from '../terminal/invocation.js';

/** Prints each thing that happens to a node, on one line: what others say of it is cut where it is long. */
export function printEvents(
  node: RegisteredNode,
  { ack }: { readonly ack: boolean },
  print: (line: string) => void,
): void {
  node.on('introduced', ({ sends, correlation_id }) =>
    print(
      sends === 1
        ? `introduced itself, correlation_id ${correlation_id}`
        : `introduced itself again (${counted(sends, 'time')}): nobody has answered yet. Does the registrar run?`,
    ),
  );
  node.on('accepted', ({ ack_deadline }) => {
    const deadline = ack_deadline === null ? 'the deadline' : clock(ack_deadline);
    print(`accepted: both backends hold it; to be acknowledged by ${deadline}`);
    if (!ack) print(`acknowledge it in another terminal:  ${pc.bold(command(`ack ${node.node_id}`))}`);
  });
  node.on('acknowledged', () => print('acknowledged'));
  node.on('active', () => print(pc.green('ACTIVE: discoverable from now on. Ctrl-C leaves.')));
  node.on('draining', ({ reason }) =>
    print(`${pc.cyan('draining')}: others do not find it any more (${shown(reason)})`),
  );
  node.on('deregistered', ({ reason }) => print(`${pc.red('deregistered')}: ${shown(reason)}`));
  node.on('rejected', ({ reason, retry_in_ms }) =>
    print(`${pc.red('rejected')}: ${shown(reason)}; tries again in ${Math.round(retry_in_ms / 1000)} s`),
  );
  node.on('ackTimedOut', ({ rounds_left }) =>
    print(
      pc.yellow('not acknowledged in time') + (rounds_left === null ? '' : `, ${counted(rounds_left, 'round')} left`),
    ),
  );
  node.on('expired', ({ last_heartbeat_at }) =>
    print(`${pc.red('expired')}: no heartbeat reached the registrar since ${last_heartbeat_at ?? 'the beginning'}`),
  );
  node.on('startingOver', ({ because, in_ms }) => print(`starts over (${because}) in ${(in_ms / 1000).toFixed(1)} s`));
  node.on('requested', () => print('the registrar asked it to introduce itself'));
  node.on('recovered', () => print('what did not work works again'));
  node.on('problem', ({ message, cause }) =>
    print(`${pc.yellow('trouble')}: ${shown(message)}${cause === undefined ? '' : ` (${shown(errorText(cause))})`}`),
  );
  node.on('superseded', ({ by }) =>
    print(`${pc.red('superseded')} by process ${by.instance_id ?? 'unknown'}, correlation_id ${by.correlation_id}`),
  );
  let beats = 0;
  node.on('heartbeat', () => {
    beats += 1;
    if (beats === 1) print(`first heartbeat; from now on every ${node.heartbeat_interval_seconds} s`);
  });
  node.on('left', ({ announced }) =>
    print(announced ? `left, after ${counted(beats, 'heartbeat')}` : 'left, but could not announce it: it expires'),
  );
}
