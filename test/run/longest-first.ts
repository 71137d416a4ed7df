import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take longest, longest first, as measured on two cores: what begins last must not be what ends last.
 * Files that mostly wait (a third of a core or less) stand between those that compute, so that cores are never idle.
 * Where a file is missing here it begins after these; nothing else depends on the list.
 */
const LONGEST = [
  'integration/self-preservation.test.ts',
  'integration/long-outage.test.ts',
  'integration/demo.test.ts',
  'integration/metrics.test.ts',
  'integration/cli.test.ts',
  'integration/postgres-access.test.ts',
  'integration/bridge.test.ts',
  'integration/secrets.test.ts',
  'integration/outage.test.ts',
  'integration/fleet-page.test.ts',
  'integration/replicas.test.ts',
  'integration/decisions.test.ts',
  'integration/liveness.test.ts',
  'integration/stuck-runs.test.ts',
  'integration/watermarks.test.ts',
  'integration/payloads.test.ts',
  'integration/sweep.test.ts',
  'integration/stack.test.ts',
  'integration/signing.test.ts',
  'integration/kafka-access.test.ts',
  'integration/lost-runs.test.ts',
  'integration/chaos.test.ts',
  'integration/killed-worker.test.ts',
  'integration/reconcile.test.ts',
  'integration/processes.test.ts',
  'integration/api.test.ts',
  'integration/node.test.ts',
  'integration/fuzz.test.ts',
  'integration/environments.test.ts',
  'integration/resources.test.ts',
  'integration/rolling-deploy.test.ts',
  'integration/registry/failing-backends.test.ts',
  'integration/fleet.test.ts',
  'integration/set-up.test.ts',
  'integration/edit.test.ts',
  'integration/edge.test.ts',
  'time-skipping/workflow.properties.test.ts',
  'time-skipping/for-ever.test.ts',
  'time-skipping/repeats.test.ts',
  'time-skipping/superseding.test.ts',
  'time-skipping/loop.test.ts',
  'time-skipping/transitions.test.ts',
  'time-skipping/registration.test.ts',
  'time-skipping/backends.test.ts',
  'time-skipping/acks.test.ts',
];

/** The order in which vitest hands files to its workers, the same on every machine. */
export class LongestFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}`));
      return found === -1 ? LONGEST.length : found;
    };
    return Promise.resolve([...files].sort((a, b) => place(a) - place(b) || a.moduleId.localeCompare(b.moduleId)));
  }
}
